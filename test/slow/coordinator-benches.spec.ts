import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { runProgram } from '../support/processes.js';

const documentSchema = z.object({
  rows: z.array(z.object({ bench: z.string(), metric: z.string(), ours: z.number() })),
});

/** Small runs of the benches of the coordinator: that they measure, not what. */
async function bench(...args: string[]): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-spec-'));
  try {
    const program = ['--format', 'json', 'bench', ...args];
    const { code, stdout } = await runProgram('apps/cli/bin/tributary.mjs', program, {
      logFile: join(folder, 'log'),
    });
    expect(code).toBe(0);
    const { rows } = documentSchema.parse(JSON.parse(stdout));
    return Object.fromEntries(rows.map(({ metric, ours }) => [metric, ours]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the benches of the coordinator', () => {
  it('measure rounds without training', async () => {
    const figures = await bench('rounds', '--bytes', '1000000', '--sites', '3', '--rounds', '2');
    expect(figures['roundSeconds']).toBeGreaterThan(0);
    expect(figures['firstRoundSeconds']).toBeGreaterThan(0);
  }, 120_000);

  it('measure what a round costs beside its training, part by part', async () => {
    const { fixedCostSeconds = NaN, betweenStepsSeconds = NaN } = await bench('short-rounds', '--rounds', '6');
    expect(fixedCostSeconds).toBeGreaterThan(0);
    expect(betweenStepsSeconds).toBeGreaterThan(fixedCostSeconds);
  }, 240_000);

  it('measure what sites send and fetch when they share the decoder only', async () => {
    const options = ['--rounds', '4', '--sites', '2', '--network', 'mini'];
    const full = await bench('short-rounds', ...options);
    const udec = await bench('short-rounds', ...options, '--exchange', 'udec');
    expect(udec['sentMegabytes']).toBeLessThan(0.8 * (full['sentMegabytes'] ?? NaN));
    expect(udec['fetchedMegabytes']).toBeLessThan(0.9 * (full['fetchedMegabytes'] ?? NaN));
  }, 360_000);

  it('reach every one of many agents with one round, and count every answer', async () => {
    const figures = await bench('agents', '--agents', '40', '--processes', '2');
    expect(figures['messagesLost']).toBe(0);
    expect(figures['roundSeconds']).toBeGreaterThan(0);
  }, 120_000);

  it('measure a small run beside a large one', async () => {
    const large = ['--large-bytes', '2000000', '--large-runs', '1', '--large-rounds', '2'];
    const figures = await bench('neighbours', '--bytes', '20000', '--rounds', '3', '--sites', '2', ...large);
    expect(figures['aloneRoundSeconds']).toBeGreaterThan(0);
    expect(figures['slowestRoundSeconds']).toBeGreaterThanOrEqual(figures['roundSeconds'] ?? NaN);
    expect(figures['largeRoundSeconds']).toBeGreaterThan(0);
  }, 120_000);
});
