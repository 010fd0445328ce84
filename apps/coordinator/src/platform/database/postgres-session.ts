import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { TributaryError } from '@tributary/protocol';
import pg from 'pg';
import type { SqlResult } from './database.js';
import type { DatabaseSession, SessionQuery } from './database-session.js';

const CONNECT_TIMEOUT_MS = 5_000;
const RECONNECT_MS = 500;
/** The server notices within half a minute that this machine is gone; by default it would take two hours. */
const NOTICE_DEATH_SOON = 'SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3';

interface SessionEvents {
  lost: [];
  message: [channel: string, payload: string];
}

export class PostgresSession implements DatabaseSession {
  private readonly events = new EventEmitter<SessionEvents>();
  private readonly beginnings: ((query: SessionQuery) => Promise<void>)[] = [];
  private client: pg.Client | null = null;
  private closed = false;

  private constructor(private readonly url: string) {}

  static async open(url: string): Promise<PostgresSession> {
    const session = new PostgresSession(url);
    await session.connect();
    return session;
  }

  /** @throws TributaryError DATABASE_UNREACHABLE while the connection is lost. */
  query = (text: string, values: unknown[] = []): Promise<SqlResult> => {
    if (this.client === null) throw new TributaryError('DATABASE_UNREACHABLE');
    return this.client.query(text, values);
  };

  async onEach(work: (query: SessionQuery) => Promise<void>): Promise<void> {
    this.beginnings.push(work);
    await work(this.query);
  }

  onLost(listener: () => void): void {
    this.events.on('lost', listener);
  }

  async onMessage(channel: string, listener: (payload: string) => void): Promise<void> {
    this.events.on('message', (from, payload) => {
      if (from === channel) listener(payload);
    });
    await this.onEach(async (query) => {
      await query(`LISTEN ${channel}`);
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.client?.end();
  }

  private async connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    });
    // The end that follows an error is what counts.
    client.on('error', () => undefined);
    client.on('notification', ({ channel, payload = '' }) => this.events.emit('message', channel, payload));
    await client.connect();
    try {
      await client.query(NOTICE_DEATH_SOON);
      for (const begin of this.beginnings) await begin((text, values) => client.query(text, values));
    } catch (error) {
      await client.end();
      throw error;
    }
    this.client = client;
    client.once('end', () => void this.replace());
  }

  private async replace(): Promise<void> {
    this.client = null;
    this.events.emit('lost');
    for (let connected = false; !this.closed && !connected;) {
      connected = await this.connect().then(
        () => true,
        () => sleep(RECONNECT_MS, false),
      );
    }
  }
}
