import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';

const run = promisify(execFile);
const MEGABYTE = 1e6;
const AGGREGATION = join('apps', 'coordinator', 'dist', 'update-thread', 'aggregation-bench-process.js');

const benchSchema = z.object({
  seconds: z.array(z.number()),
  bytesPerSecond: z.number(),
  peakMemoryBytes: z.number(),
});

const FEDAVG = { kind: 'fedavg' };

interface Round {
  readonly strategy?: object;
  readonly repeats?: number;
}

/** One round (or some) in a process of its own, as the coordinator computes it: its peak memory is its own. */
async function bench(modelBytes: number, sites: number, { strategy = FEDAVG, repeats = 1 }: Round = {}) {
  const options = { modelBytes, sites, strategy, repeats, directory: tmpdir() };
  const { stdout } = await run(process.execPath, [AGGREGATION, JSON.stringify(options)]);
  const result = benchSchema.parse(JSON.parse(stdout));
  const megabytes = (bytes: number) => (bytes / MEGABYTE).toFixed(0);
  console.log(
    `${megabytes(modelBytes)} MB x ${sites}: ${result.seconds[0]?.toFixed(2)} s, ` +
      `${megabytes(result.bytesPerSecond)} MB/s of updates, peak ${megabytes(result.peakMemoryBytes)} MB`,
  );
  return result;
}

describe('memory of an aggregation', () => {
  it('is the same for 2 and for 12 sites, within ten per cent', async () => {
    const few = await bench(200 * MEGABYTE, 2);
    const many = await bench(200 * MEGABYTE, 12);
    expect(many.peakMemoryBytes / few.peakMemoryBytes).toBeLessThan(1.1);
    expect(few.peakMemoryBytes / many.peakMemoryBytes).toBeLessThan(1.1);
  }, 300_000);

  it('does not grow with the model: 1 GB and 100 MB, within ten per cent, below 200 MB', async () => {
    // As many bytes in all: a collector of garbage that has hardly begun tells nothing.
    const small = await bench(100 * MEGABYTE, 3, { repeats: 10 });
    const large = await bench(1000 * MEGABYTE, 3);
    expect(large.peakMemoryBytes / small.peakMemoryBytes).toBeLessThan(1.1);
    expect(large.peakMemoryBytes).toBeLessThan(200 * MEGABYTE);
  }, 300_000);

  it('stays there for a strategy that reads everything twice and for one that sorts', async () => {
    const krum = await bench(50 * MEGABYTE, 5, { strategy: { kind: 'multi-krum', byzantine: 1 } });
    const median = await bench(50 * MEGABYTE, 5, { strategy: { kind: 'median' } });
    expect(krum.peakMemoryBytes).toBeLessThan(200 * MEGABYTE);
    expect(median.peakMemoryBytes).toBeLessThan(200 * MEGABYTE);
  }, 300_000);
});
