import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { Consortium } from './consortium.js';

/** One consortium in a folder of its own for all tests of a file: opened before the first, killed and removed after the last. */
export function consortiumForSuite(): () => Consortium {
  let consortium: Consortium | undefined;
  const directory = mkdtempSync(join(tmpdir(), 'tributary-e2e-'));
  beforeAll(async () => {
    consortium = await Consortium.create(directory);
    await consortium.open();
  }, 120_000);
  afterAll(async () => {
    await consortium?.close();
    rmSync(directory, { recursive: true, force: true });
  }, 30_000);
  return () => {
    if (consortium === undefined) throw new Error('the consortium is open from the first test on');
    return consortium;
  };
}
