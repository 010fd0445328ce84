import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { SEED_STAMP, openPGlite } from './pglite-backend.js';

const folder = mkdtempSync(join(tmpdir(), 'tributary-pglite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the embedded database', () => {
  it('does not use a seed that other migrations made', async () => {
    const seed = join(folder, 'seed');
    mkdirSync(seed);
    writeFileSync(join(seed, 'TRIBUTARY_COMPLETE'), '');
    writeFileSync(join(seed, SEED_STAMP), 'of an older version');
    const database = await openPGlite(join(folder, 'database'), seed);
    const { rows } = await database.executeSql('SELECT count(*)::int AS studies FROM "Study"');
    expect(rows).toEqual([{ studies: 0 }]);
    await database.close();
  }, 60_000);
});
