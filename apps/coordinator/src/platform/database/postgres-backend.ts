import { PrismaPg } from '@prisma/adapter-pg';
import { TributaryError } from '@tributary/protocol';
import pg from 'pg';
import { PrismaClient } from '../../generated/prisma/client.js';
import type { DatabaseBackend, SqlResult } from './database.js';
import { applyMigrations, readMigrations } from './migrations.js';
import { PostgresSession } from './postgres-session.js';

type Row = Record<string, unknown>;

const POOL_SIZE = 10;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Opens PostgreSQL and brings its schema up to date.
 *
 * @throws TributaryError DATABASE_UNREACHABLE (host and port only, never the credentials) or DATABASE_MIGRATION_FAILED.
 */
export async function openPostgres(url: string): Promise<DatabaseBackend> {
  const pool = new pg.Pool({
    connectionString: url,
    max: POOL_SIZE,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  });
  // An idle connection that breaks is replaced by the pool; the next query reports what is still wrong.
  pool.on('error', () => undefined);
  let session: PostgresSession;
  try {
    await migrate(pool);
    session = await PostgresSession.open(url);
  } catch (error) {
    await pool.end();
    if (error instanceof TributaryError) throw error;
    const { hostname, port } = new URL(url);
    throw new TributaryError('DATABASE_UNREACHABLE', { detail: `${hostname}:${port || '5432'}` }, { cause: error });
  }
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    kind: 'postgres',
    prisma,
    session,
    executeSql: async (text, values) => collectRows(await pool.query<Row>(text, values)),
    close: async () => {
      await session.close();
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

async function migrate(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await applyMigrations(
      {
        execute: async (sql) => {
          await client.query(sql);
        },
        query: async (sql) => (await client.query<Row>(sql)).rows,
      },
      readMigrations(),
    );
  } finally {
    client.release();
  }
}

/** The driver answers several statements with an array of results. */
function collectRows(result: pg.QueryResult<Row> | pg.QueryResult<Row>[]): SqlResult {
  return { rows: [result].flat().flatMap((each) => each.rows) };
}
