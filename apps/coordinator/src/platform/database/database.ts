import type { DatabaseSession } from './database-session.js';
import type { Prisma, PrismaClient } from '../../generated/prisma/client.js';

/** A handle that repositories take: the client, or the transaction that a service has opened. */
export type Db = PrismaClient | Prisma.TransactionClient;

export interface SqlResult {
  readonly rows: Record<string, unknown>[];
}

/** One open database: PostgreSQL, or the embedded one; both take the same queries. */
export interface DatabaseBackend {
  readonly kind: 'postgres' | 'pglite';
  readonly prisma: PrismaClient;
  readonly session: DatabaseSession;
  /** Plain SQL outside of Prisma, for the job queue; several statements give the rows of all of them. */
  executeSql(text: string, values?: unknown[]): Promise<SqlResult>;
  close(): Promise<void>;
}

/** Longest wait for a connection, and longest transaction, in milliseconds. */
const TRANSACTION_LIMITS = { maxWait: 30_000, timeout: 60_000 };

/** What services know of the database: a handle for repositories, and transactions. */
export class Database {
  constructor(private readonly backend: DatabaseBackend) {}

  get kind(): DatabaseBackend['kind'] {
    return this.backend.kind;
  }

  /** The connection whose locks live as long as this process. */
  get session(): DatabaseSession {
    return this.backend.session;
  }

  /** For single statements outside of a transaction. Never use it inside of one: the embedded database has one connection. */
  get db(): Db {
    return this.backend.prisma;
  }

  /** Runs `work` in one transaction; everything it awaits must use the handle it gets. */
  transaction<T>(work: (db: Db) => Promise<T>): Promise<T> {
    return this.backend.prisma.$transaction((db) => work(db), TRANSACTION_LIMITS);
  }

  executeSql(text: string, values?: unknown[]): Promise<SqlResult> {
    return this.backend.executeSql(text, values);
  }

  async ping(): Promise<void> {
    await this.backend.executeSql('SELECT 1');
  }

  close(): Promise<void> {
    return this.backend.close();
  }
}
