import { cp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite, types } from '@electric-sql/pglite';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import { PrismaClient } from '../../generated/prisma/client.js';
import type { DatabaseBackend, SqlResult } from './database.js';
import type { DatabaseSession, SessionQuery } from './database-session.js';
import { applyMigrations, migrationsStamp, readMigrations } from './migrations.js';

/** Written last by an initialisation: a folder without it was left half-made by a process that was killed. */
const COMPLETE_MARKER = 'TRIBUTARY_COMPLETE';

/** In a seed: which migrations it was made by. */
export const SEED_STAMP = 'TRIBUTARY_MIGRATIONS';

/** One process uses it and its rows fit in little memory: PostgreSQL's defaults would take 130 MB more. */
const SMALL_SERVER = ['-c', 'shared_buffers=4MB', '-c', 'max_connections=4', '-c', 'jit=off'];

/** An initialised database made at set-up time (scripts/prisma-seed-database.mjs); copying it beats making one. */
export const SEED_DATABASE = fileURLToPath(new URL('../../../../../.tributary/seed-database', import.meta.url));

/**
 * Opens the embedded database of a data folder and brings its schema up to date. The caller holds the folder's lock:
 * two openers would lose rows.
 *
 * @param folder `<dataDir>/database`.
 * @param seed   Folder of an initialised database. Without it, or when other migrations made it, the first start makes one,
 *               which takes seconds longer.
 */
export async function openPGlite(folder: string, seed: string = SEED_DATABASE): Promise<DatabaseBackend> {
  if (!(await exists(join(folder, COMPLETE_MARKER)))) {
    await rm(folder, { recursive: true, force: true });
    if (await isCurrentSeed(seed)) await copySeed(seed, folder);
    else await mkdir(folder, { recursive: true });
  }
  const client = new PGlite(folder, { startParams: [...PGlite.defaultStartParams, ...SMALL_SERVER] });
  await client.waitReady;
  client.parsers = parsersInUse(client.parsers);
  await applyMigrations(
    {
      execute: async (sql) => {
        await client.exec(sql);
      },
      query: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows,
    },
    readMigrations(),
  );
  await writeFile(join(folder, COMPLETE_MARKER), '');
  const prisma = new PrismaClient({ adapter: new PrismaPGlite(forAdapter(client)) });
  return {
    kind: 'pglite',
    prisma,
    session: sessionOf(client),
    executeSql: (text, values) => executeSql(client, text, values),
    close: async () => {
      await prisma.$disconnect();
      await client.close();
    },
  };
}

/** The embedded database has one connection, and nobody else to hear from. */
function sessionOf(client: PGlite): DatabaseSession {
  const query: SessionQuery = (text, values) => executeSql(client, text, values);
  return {
    query,
    onEach: (work) => work(query),
    onLost: () => undefined,
    onMessage: () => Promise.resolve(),
  };
}

/** Types of our columns and the job queue's, and arrays of them, by the names of `pg_type`. */
const { BOOL, BYTEA, INT8, INT2, INT4, TEXT, OID, JSON: JSON_TYPE, FLOAT4, FLOAT8, BPCHAR, VARCHAR, DATE } = types;
const { TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL, TIMETZ, NUMERIC, UUID, JSONB } = types;
const SCALAR_TYPES = [BOOL, BYTEA, INT8, INT2, INT4, TEXT, OID, JSON_TYPE, FLOAT4, FLOAT8, BPCHAR, VARCHAR, DATE];
const OTHER_TYPES = [TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL, TIMETZ, NUMERIC, UUID, JSONB];
/** PostgreSQL gives arrays numbers of their own: bool, bytea, int2, int4, text, bpchar, varchar, int8, float4, float8 … */
const ARRAY_TYPES = [1000, 1001, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1115, 1185, 199, 2951, 3807];

/**
 * PGlite copies all its parsers for every statement of the adapter: with the arrays of all 355 types of PostgreSQL, that is a
 * quarter of the time of a short statement. A type that is left out reads as text.
 */
function parsersInUse(all: PGlite['parsers']): PGlite['parsers'] {
  const kept = [...SCALAR_TYPES, ...OTHER_TYPES, ...ARRAY_TYPES];
  return Object.fromEntries(kept.flatMap((type) => (all[type] === undefined ? [] : [[type, all[type]]])));
}

/** The adapter's types come from another installed copy of PGlite, whose private fields TypeScript holds to be different. */
function forAdapter(client: PGlite): ConstructorParameters<typeof PrismaPGlite>[0] {
  const sameAtRuntime: unknown = client;
  return sameAtRuntime as ConstructorParameters<typeof PrismaPGlite>[0];
}

async function isCurrentSeed(seed: string): Promise<boolean> {
  if (!(await exists(join(seed, COMPLETE_MARKER)))) return false;
  const stamp = await readFile(join(seed, SEED_STAMP), 'utf8').catch(() => '');
  return stamp === migrationsStamp(readMigrations());
}

async function copySeed(seed: string, folder: string): Promise<void> {
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await cp(seed, partial, { recursive: true });
  await rename(partial, folder);
}

/** Statements with parameters go one at a time; the others may be several, and the rows of all count. */
async function executeSql(client: PGlite, text: string, values: unknown[] = []): Promise<SqlResult> {
  if (values.length > 0) return { rows: (await client.query<Record<string, unknown>>(text, values)).rows };
  const results = await client.exec(text);
  return { rows: results.flatMap((result) => result.rows) };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
