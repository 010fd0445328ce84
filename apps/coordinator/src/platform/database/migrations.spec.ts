import { describe, expect, it } from '@jest/globals';
import { PGlite } from '@electric-sql/pglite';
import { applyMigrations, readMigrations, type Migration, type MigrationConnection } from './migrations.js';

const migration = (name: string, sql: string, checksum = name): Migration => ({ name, sql, checksum });

async function withDatabase(work: (connection: MigrationConnection) => Promise<void>): Promise<void> {
  const client = new PGlite();
  try {
    await work({
      execute: async (sql) => {
        await client.exec(sql);
      },
      query: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows,
    });
  } finally {
    await client.close();
  }
}

describe('migrations', () => {
  it('are applied once, in order', async () => {
    await withDatabase(async (connection) => {
      const both = [migration('1_make', 'CREATE TABLE t (a INT)'), migration('2_fill', 'INSERT INTO t VALUES (5)')];
      expect(await applyMigrations(connection, both)).toEqual(['1_make', '2_fill']);
      expect(await applyMigrations(connection, both)).toEqual([]);
      expect(await connection.query('SELECT a FROM t')).toEqual([{ a: 5 }]);
    });
  }, 60_000);

  it('leave nothing behind when one fails, and say which', async () => {
    await withDatabase(async (connection) => {
      const broken = migration('1_broken', 'CREATE TABLE t (a INT); SELECT nonsense FROM nowhere');
      await expect(applyMigrations(connection, [broken])).rejects.toMatchObject({
        code: 'DATABASE_MIGRATION_FAILED',
        context: { migration: '1_broken' },
      });
      expect(await applyMigrations(connection, [migration('1_broken', 'CREATE TABLE t (a INT)')])).toEqual([
        '1_broken',
      ]);
    });
  }, 60_000);

  it('are refused when one was edited after it was applied', async () => {
    await withDatabase(async (connection) => {
      await applyMigrations(connection, [migration('1_make', 'CREATE TABLE t (a INT)')]);
      await expect(applyMigrations(connection, [migration('1_make', 'SELECT 1', 'other')])).rejects.toMatchObject({
        code: 'DATABASE_MIGRATION_FAILED',
      });
    });
  }, 60_000);

  it('of the repository are found', () => {
    expect(readMigrations().length).toBeGreaterThan(0);
  });
});
