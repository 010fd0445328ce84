import pg from 'pg';

/** One listens, the others send. */
const POOL_SIZE = 3;
const CONNECT_TIMEOUT_MS = 5_000;
/** Whoever uses a connection that breaks has given it back by then. */
const GRACE_MS = 1_000;

/**
 * Connections for Socket.IO's adapter. It does not give back the one that it listens on when that breaks, and would have
 * none left after a few restarts of the database: here that is done for it.
 */
export function openNotificationPool(databaseUrl: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: POOL_SIZE,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  const taken = new Set<pg.PoolClient>();
  // A connection that breaks is replaced; hints that were lost meanwhile are found by asking for the open work.
  pool.on('error', () => undefined);
  pool.on('acquire', (client) => taken.add(client));
  pool.on('release', (_error, client) => taken.delete(client));
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    client.once('end', () => {
      setTimeout(() => {
        if (taken.has(client)) client.release(true);
      }, GRACE_MS).unref();
    });
  });
  return pool;
}
