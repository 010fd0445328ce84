import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import { PostHocFit } from '@tributary/federation/averages/post-hoc-fit';
import { roundShares, type PowerFunctionAverage } from '@tributary/federation/averages/power-function';
import { loadAtlas, PHANTOM_CLASSES, writePhantomSite } from '@tributary/imaging';
import { recipeSchema } from '@tributary/protocol';
import { randomStream } from '@tributary/random';
import { readParameterFile, writeParameterFile } from '@tributary/safetensors';
import type { Engine } from '@tributary/tensor';
import { keepsVersion } from '../../apps/coordinator/src/storage/retention-rule.js';
import { FederatedSimulation } from '../../apps/site-agent/src/simulation/federated-simulation.js';
import { scoreModel } from '../../apps/site-agent/src/simulation/simulation-scores.js';

jest.setTimeout(600_000);

/** Every eighth is kept: as few as the retention rule ever keeps. */
const ROUNDS = 128;
const SITES = { 'site-a': 'T1w', 'site-b': 'T2w' } as const;
const WIDTHS = [0.03, 0.075, 0.15, 0.2];

const recipe = recipeSchema.parse({
  name: 'averages',
  seed: 7,
  image: { sizePx: 16, channels: 1 },
  classes: [...PHANTOM_CLASSES],
  data: { intensity: { method: 'percentile' }, heldOutFraction: 0.25 },
  conditioning: {},
  network: { kind: 'unet2d', blockOutChannels: [16, 32], attention: [false, false] },
  process: { kind: 'edm' },
  objective: { prediction: 'edm' },
  optimiser: { kind: 'adamw', learningRate: 4e-3, schedule: 'constant' },
  rounds: { count: ROUNDS, localSteps: 4, batchSize: 8, quorum: 2 },
  strategy: { kind: 'fedavg' },
  serverEma: { kind: 'power-function' },
  evaluation: { sampler: 'heun', steps: 8, samplesPerSite: 96, utilitySeeds: 0 },
});

interface Snapshot extends PowerFunctionAverage {
  readonly weights: Float32Array;
}

/** A training, with every average that was tracked and those that are kept of it. */
interface Training {
  readonly simulation: FederatedSimulation;
  readonly first: string;
  readonly last: Float32Array;
  readonly kept: Snapshot[];
  readonly tracked: ReadonlyMap<number, Float64Array>;
}

describe('averages of a real training', () => {
  let engine: Engine;
  let folder: string;
  let training: Training;

  beforeAll(async () => {
    engine = await openEngine({ name: 'auto', threads: 1 });
    folder = await mkdtemp(join(tmpdir(), 'averages-'));
    training = await train();
  });
  afterAll(async () => {
    await training.simulation.close();
    await engine.dispose();
    await rm(folder, { recursive: true });
  });

  async function train(): Promise<Training> {
    const directory = join(folder, 'run');
    await mkdir(directory);
    const simulation = await FederatedSimulation.open({ recipe, images: await phantomSites(), directory, engine });
    const first = simulation.model.weights;
    const weights = async (path: string) => (await readParameterFile(path)).flat;
    const kept: Snapshot[] = [];
    let last = await weights(first);
    const tracked = new Map(WIDTHS.map((width) => [width, new Float64Array(last.length)]));
    for (let round = 1; round <= ROUNDS; round++) {
      await simulation.round();
      last = await weights(simulation.model.weights);
      for (const [width, sum] of tracked) {
        const share = roundShares({ round: ROUNDS, width }, ROUNDS)[round - 1] ?? NaN;
        last.forEach((value, i) => (sum[i] = (sum[i] ?? 0) + share * value));
      }
      if (!keepsVersion(round, { rules: recipe, latest: ROUNDS, inUse: new Set() })) continue;
      kept.push({ round, width: 0.1, weights: await weights(simulation.model.ema) });
      kept.push({ round, width: 0.05, weights: await weights(simulation.model.state['average-0.05'] ?? '') });
    }
    return { simulation, first, last, kept, tracked };
  }

  async function phantomSites(): Promise<Record<string, string>> {
    const atlas = await loadAtlas();
    const images: Record<string, string> = {};
    for (const [name, scanner] of Object.entries(SITES)) {
      const directory = join(folder, name);
      images[name] = directory;
      const site = { name, scanner, format: 'nifti', lesionRate: 0.1 } as const;
      const random = (...path: (string | number)[]) => randomStream(7, name, ...path);
      await writePhantomSite({ directory, site, patients: 24, imageSizePx: 16, atlas, random });
    }
    return images;
  }

  function rebuilt(width: number): Float64Array {
    const { weights } = new PostHocFit(training.kept, ROUNDS).fit(width);
    return Float64Array.from(training.last, (_, i) =>
      training.kept.reduce((sum, snapshot, k) => sum + (weights[k] ?? NaN) * (snapshot.weights[i] ?? NaN), 0),
    );
  }

  function trackedOf(width: number): Float64Array {
    return training.tracked.get(width) ?? new Float64Array();
  }

  function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
    return Math.sqrt(Array.from(a, (value, i) => (value - (b[i] ?? NaN)) ** 2).reduce((sum, square) => sum + square));
  }

  async function distanceOfImages(weights: Float64Array): Promise<number> {
    const path = join(folder, 'scored.safetensors');
    await writeParameterFile(path, { manifest: training.simulation.manifest, flat: Float32Array.from(weights) });
    return (await scoreModel(training.simulation.sites, { before: training.first, after: path })).after.fd;
  }

  it.each(WIDTHS)('of width %d, put together, are those that were tracked, as far as the residual says', (width) => {
    const error = distance(rebuilt(width), trackedOf(width)) / distance(trackedOf(width), training.last);
    expect(error).toBeLessThan(new PostHocFit(training.kept, ROUNDS).fit(width).residual);
    expect(error).toBeLessThan(0.01);
  });

  it('make the images that the tracked one makes, and better ones than the last weights', async () => {
    const asTracked = await distanceOfImages(trackedOf(0.15));
    expect(await distanceOfImages(rebuilt(0.15))).toBeCloseTo(asTracked, 4);
    expect(await distanceOfImages(Float64Array.from(training.last))).toBeGreaterThan(asTracked);
  });
});
