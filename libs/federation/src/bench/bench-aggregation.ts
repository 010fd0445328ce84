import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ParameterManifest } from '@tributary/protocol/manifest';
import { aggregateRound, type AggregationHooks } from '../aggregation/aggregate-round.js';
import type { StrategyOptions } from '../strategies/strategy-options.js';
import { FLOAT_BYTES } from '../vectors/float-file.js';
import { FloatFileSink } from '../vectors/float-file-sink.js';
import { peakMemoryBytes } from './peak-memory.js';

const WRITE_LENGTH = 1 << 20;

export interface AggregationBenchOptions {
  /** Size of one update in bytes. */
  readonly modelBytes: number;
  readonly sites: number;
  readonly strategy: StrategyOptions;
  /** Where files may be made; one model for the updates of all sites, and as much for each output. */
  readonly directory: string;
  /** Rounds after one that warms caches and code up. */
  readonly repeats: number;
}

export interface AggregationBench {
  /** Of every repeat, ascending. Reads, arithmetic, writes, hashes and fsync. */
  readonly seconds: readonly number[];
  /** Updates read a second in the fastest repeat. */
  readonly bytesPerSecond: number;
  /** Largest resident memory of this process so far. */
  readonly peakMemoryBytes: number;
}

/**
 * Aggregates a round of `sites` updates of `modelBytes`, with a moving average, from the page cache. All sites read one file, so
 * the disk holds a model once; what is read and computed is the same.
 */
export async function benchAggregation(
  options: AggregationBenchOptions,
  hooks: AggregationHooks,
): Promise<AggregationBench> {
  const { modelBytes, sites, strategy, repeats } = options;
  const directory = await mkdtemp(join(options.directory, 'tributary-bench-'));
  try {
    const manifest = [{ name: 'w', shape: [Math.ceil(modelBytes / FLOAT_BYTES)] }];
    const path = join(directory, 'update.safetensors');
    await writeWave(path, manifest);
    const seconds: number[] = [];
    let bytesRead = 0;
    for (let repeat = 0; repeat <= repeats; repeat++) {
      const begin = performance.now();
      const result = await aggregateRound(
        {
          strategy,
          siteCount: sites,
          manifest,
          updates: Array.from({ length: sites }, (_, site) => ({ siteId: `site-${site}`, images: 100 + site, path })),
          globalPath: path,
          averages: [{ decay: 0.9, path: join(directory, 'average') }],
          out: { weightsPath: join(directory, 'weights') },
        },
        hooks,
      );
      if (repeat > 0) seconds.push((performance.now() - begin) / 1000);
      bytesRead = result.bytesRead;
    }
    seconds.sort((a, b) => a - b);
    return { seconds, bytesPerSecond: bytesRead / (seconds[0] ?? NaN), peakMemoryBytes: await peakMemoryBytes() };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writeWave(path: string, manifest: ParameterManifest): Promise<void> {
  const sink = await FloatFileSink.create(path, manifest);
  const wave = Float32Array.from({ length: WRITE_LENGTH }, (_, i) => Math.sin(i) / 100);
  let left = manifest[0]?.shape[0] ?? 0;
  for (; left > 0; left -= WRITE_LENGTH) await sink.write(wave.subarray(0, Math.min(left, WRITE_LENGTH)));
  await sink.commit();
}
