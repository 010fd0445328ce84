import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { runChaos } from '../e2e/chaos/run-chaos.js';

const directory = mkdtempSync(join(tmpdir(), 'tributary-chaos-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Without PostgreSQL the embedded database dies with its coordinator. */
function hasPostgres(): boolean {
  const reason = process.env.TRIBUTARY_SKIP_POSTGRES;
  if (reason === undefined) return true;
  process.stderr.write(`PostgreSQL is left out, the embedded database is used: TRIBUTARY_SKIP_POSTGRES=${reason}\n`);
  return false;
}

describe('a run under a seeded schedule of kills and broken links', () => {
  it('ends with the weights of an undisturbed one', async () => {
    const lines: string[] = [];
    const result = await runChaos({
      directory,
      kills: 10,
      seed: 2,
      recipes: ['scaffold'],
      rounds: 5,
      minutes: 1,
      withPostgres: hasPostgres(),
      print: (line) => lines.push(line),
    });
    expect({ failures: result.failures, lines: result.failures.length === 0 ? [] : lines }).toEqual({
      failures: [],
      lines: [],
    });
    expect(result.equalRuns).toBe(result.runs);
    expect(Object.values(result.kills).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
  }, 400_000);
});
