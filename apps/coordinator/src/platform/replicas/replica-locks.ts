import type { Database } from '../database/database.js';
import type { DatabaseSession } from '../database/database-session.js';

const CHANNEL = 'tributary_lock_wanted';
const SEED = 7424;

/**
 * Locks that one process of all replicas holds at a time; those of a process that dies are free. Inside of a process they do
 * not exclude: the holder does that itself.
 */
export abstract class ReplicaLocks {
  /** @returns False while another replica holds it. @throws TributaryError DATABASE_UNREACHABLE. */
  abstract tryTake(name: string): Promise<boolean>;

  abstract release(name: string): Promise<void>;

  /** Tells the replica that holds it, if any, that it is wanted. */
  abstract ask(name: string): Promise<void>;

  /** Called when another replica asks for a lock; with null when all locks of this process were lost. */
  abstract onWanted(listener: (name: string | null) => void): void;
}

/** Where there is one process there is nobody to exclude. */
export class LonelyLocks extends ReplicaLocks {
  tryTake(): Promise<boolean> {
    return Promise.resolve(true);
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  ask(): Promise<void> {
    return Promise.resolve();
  }

  onWanted(): void {
    // Nobody else can want one.
  }
}

/** PostgreSQL's advisory locks, all on one connection. */
export class PostgresLocks extends ReplicaLocks {
  private readonly held = new Set<string>();
  private readonly listeners: ((name: string | null) => void)[] = [];

  private constructor(private readonly session: DatabaseSession) {
    super();
  }

  static async open(session: DatabaseSession): Promise<PostgresLocks> {
    const locks = new PostgresLocks(session);
    session.onLost(() => locks.forgetAll());
    await session.onMessage(CHANNEL, (name) => {
      if (locks.held.has(name)) locks.tellWanted(name);
    });
    return locks;
  }

  async tryTake(name: string): Promise<boolean> {
    const { rows } = await this.session.query(`SELECT pg_try_advisory_lock(hashtextextended($1, ${SEED})) AS "taken"`, [
      name,
    ]);
    const taken = rows[0]?.taken === true;
    if (taken) this.held.add(name);
    return taken;
  }

  async release(name: string): Promise<void> {
    // A lock that was lost with its connection is nobody's, or another's.
    if (!this.held.delete(name)) return;
    await this.session.query(`SELECT pg_advisory_unlock(hashtextextended($1, ${SEED}))`, [name]);
  }

  async ask(name: string): Promise<void> {
    await this.session.query('SELECT pg_notify($1, $2)', [CHANNEL, name]);
  }

  onWanted(listener: (name: string | null) => void): void {
    this.listeners.push(listener);
  }

  private forgetAll(): void {
    this.held.clear();
    this.tellWanted(null);
  }

  private tellWanted(name: string | null): void {
    for (const listener of this.listeners) listener(name);
  }
}

/** Locks of PostgreSQL, which replicas share; with the embedded database there is one replica, and nothing to lock. */
export function openReplicaLocks(database: Database): Promise<ReplicaLocks> {
  return database.kind === 'postgres' ? PostgresLocks.open(database.session) : Promise.resolve(new LonelyLocks());
}
