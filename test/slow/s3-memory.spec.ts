import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { runProgram } from '../support/processes.js';
import { s3Program, startS3Server, type S3Server } from '../support/s3-server.js';

const MEGABYTE = 1e6;
const program = s3Program();

const documentSchema = z.object({
  rows: z.array(z.object({ metric: z.string(), ours: z.number() })),
});

(program === null ? describe.skip : describe)('memory of a coordinator whose files lie in S3', () => {
  let folder: string;
  let server: S3Server;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-s3-memory-'));
    server = await startS3Server(program ?? '');
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Rounds of light sites at a real coordinator with a bucket of its own. @returns Its largest resident memory, in MiB. */
  async function peakMemoryMiB(modelBytes: number, sites: number): Promise<number> {
    const sizes = ['--bytes', String(modelBytes), '--sites', String(sites), '--rounds', '2', '--dir', folder];
    const { code, stdout } = await runProgram(
      'apps/cli/bin/tributary.mjs',
      ['--format', 'json', 'bench', 'rounds', ...sizes],
      { logFile: join(folder, 'log'), environment: server.fresh() },
    );
    expect(code).toBe(0);
    const { rows } = documentSchema.parse(JSON.parse(stdout));
    const peakMiB = rows.find(({ metric }) => metric === 'coordinatorPeakRssMiB')?.ours ?? NaN;
    console.log(`${modelBytes / MEGABYTE} MB x ${sites}: peak ${peakMiB.toFixed(0)} MiB`);
    return peakMiB;
  }

  it('is the same for 4 and for 12 sites and for a model four times as large, within ten per cent, and below 320 MiB', async () => {
    const few = await peakMemoryMiB(40 * MEGABYTE, 4);
    const many = await peakMemoryMiB(40 * MEGABYTE, 12);
    const large = await peakMemoryMiB(160 * MEGABYTE, 4);
    expect(many / few).toBeLessThan(1.1);
    expect(large / few).toBeLessThan(1.1);
    expect(Math.max(few, many, large)).toBeLessThan(320);
  }, 600_000);
});
