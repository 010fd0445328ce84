import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TributaryError } from '@tributary/protocol';

/** The part of a database connection that migrations need; all statements must run on one session. */
export interface MigrationConnection {
  /** Runs one or more statements without parameters. */
  execute(sql: string): Promise<void>;
  query(sql: string): Promise<Record<string, unknown>[]>;
}

export interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/** The advisory lock of Prisma Migrate, so that it and this runner exclude each other. */
const PRISMA_LOCK_ID = 72_707_369;

const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`;

/** `prisma/migrations` of the repository, in order. */
export function readMigrations(
  folder = fileURLToPath(new URL('../../../../../prisma/migrations', import.meta.url)),
): Migration[] {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return names
    .map(({ name }) => name)
    .sort()
    .map((name) => {
      const sql = readFileSync(join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

/** Tells whether a database was made by these very migrations. */
export function migrationsStamp(migrations: readonly Migration[]): string {
  return createHash('sha256')
    .update(JSON.stringify(migrations.map(({ checksum }) => checksum)))
    .digest('hex');
}

/**
 * Applies the migrations that are missing, one transaction each, and records them as `prisma migrate deploy` does.
 *
 * @returns The names of those applied now.
 * @throws TributaryError DATABASE_MIGRATION_FAILED; the failed one left nothing behind.
 */
export async function applyMigrations(
  connection: MigrationConnection,
  migrations: readonly Migration[],
): Promise<string[]> {
  await connection.execute(`SELECT pg_advisory_lock(${PRISMA_LOCK_ID})`);
  try {
    await connection.execute(CREATE_TABLE);
    const done = await appliedChecksums(connection);
    const missing = migrations.filter(({ name, checksum }) => {
      const applied = done.get(name);
      if (applied !== undefined && applied !== checksum) fail(name, 'it was edited after it was applied');
      return applied === undefined;
    });
    for (const migration of missing) await applyMigration(connection, migration);
    return missing.map(({ name }) => name);
  } finally {
    await connection.execute(`SELECT pg_advisory_unlock(${PRISMA_LOCK_ID})`);
  }
}

async function appliedChecksums(connection: MigrationConnection): Promise<Map<string, string>> {
  const rows = await connection.query(
    'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
  );
  return new Map(
    rows.map((row) => {
      const name = String(row.migration_name);
      if (row.finished_at === null) fail(name, 'it was started earlier and did not finish');
      return [name, String(row.checksum)];
    }),
  );
}

async function applyMigration(connection: MigrationConnection, { name, sql, checksum }: Migration): Promise<void> {
  const id = randomUUID();
  const quotedName = `'${name.replaceAll("'", "''")}'`;
  try {
    await connection.execute(
      `BEGIN;
INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('${id}', '${checksum}', ${quotedName});
${sql};
UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = 1 WHERE id = '${id}';
COMMIT`,
    );
  } catch (error) {
    await connection.execute('ROLLBACK');
    fail(name, error instanceof Error ? error.message : 'unknown reason', error);
  }
}

function fail(name: string, reason: string, cause?: unknown): never {
  throw new TributaryError('DATABASE_MIGRATION_FAILED', { detail: `${name}: ${reason}`, migration: name }, { cause });
}
