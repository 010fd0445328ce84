import type { SqlResult } from './database.js';

/** Runs one statement on a session's own connection. */
export type SessionQuery = (text: string, values?: unknown[]) => Promise<SqlResult>;

/**
 * One connection for as long as the process lives. What is locked on it is free when the process dies, however it dies;
 * when the connection alone is lost, what is locked is lost with it and another connection is made.
 */
export interface DatabaseSession {
  readonly query: SessionQuery;
  /** Does `work` now, and again on every connection that replaces a lost one before anybody else uses it. */
  onEach(work: (query: SessionQuery) => Promise<void>): Promise<void>;
  /** Called when the connection was lost, with all that was locked on it. */
  onLost(listener: () => void): void;
  /** Called with every message that a process sends to the channel with `pg_notify`. */
  onMessage(channel: string, listener: (payload: string) => void): Promise<void>;
}
