import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createSampler, createTrainer, type Trainer } from '@tributary/diffusion';
import { recipeSchema } from '@tributary/protocol';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';

const SIZE = 8;
const PIXELS = SIZE ** 2;
const BATCH = 4;
const STEPS = 250;
const CLASS_ROWS = 2;
const TIMEOUT_MS = 300_000;

const recipe = recipeSchema.parse({
  name: 'negatives',
  seed: 11,
  image: { sizePx: SIZE, channels: 1 },
  classes: ['any'],
  data: { intensity: { method: 'percentile' } },
  conditioning: { site: false, image: { kind: 'given', channels: 1 } },
  network: { kind: 'unet2d', blockOutChannels: [8, 16], attention: [false, false], normGroups: 4 },
  process: { kind: 'edm' },
  objective: { prediction: 'edm' },
  optimiser: { kind: 'adamw', learningRate: 4e-3, schedule: 'constant' },
  rounds: { count: 1, localSteps: STEPS, batchSize: BATCH, quorum: 1 },
  strategy: { kind: 'fedavg' },
  evaluation: { sampler: 'heun', steps: 8 },
});

/** Four blocks of 4 x 4 pixels, each dark or bright. */
function blocks(seed: number): Float32Array {
  const random = randomStream(seed, 'blocks');
  const greys = Array.from({ length: 4 }, () => (random.uniform() < 0.5 ? -0.7 : 0.7));
  return Float32Array.from({ length: PIXELS }, (_, i) => greys[2 * Math.floor(i / 32) + Math.floor((i % 8) / 4)] ?? 0);
}

function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const dot = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
    Array.from(x).reduce((sum, value, i) => sum + value * (y[i] ?? NaN), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

async function trainOnNegatives(trainer: Trainer): Promise<void> {
  trainer.setWeights(trainer.initialWeights(recipe.seed));
  for (let globalStep = 0; globalStep < STEPS; globalStep++) {
    const seeds = Array.from({ length: BATCH }, (_, i) => BATCH * globalStep + i);
    const conditions = Float32Array.from(seeds.flatMap((seed) => [...blocks(seed)]));
    await trainer.step({
      images: conditions.map((value) => -value),
      conditions,
      classRows: new Int32Array(BATCH),
      random: randomStream(3, 'step', globalStep),
      globalStep,
    });
  }
}

describe('an image condition', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ name: 'onnx', threads: 1 });
  });
  afterAll(() => engine.dispose());

  it(
    'is followed: a model of negatives makes the negative of conditions that it has not seen, whatever the noise',
    async () => {
      const trainer = await createTrainer({ engine, recipe, classRows: CLASS_ROWS });
      await trainOnNegatives(trainer);
      const weights = await trainer.weights();
      const generator = await createSampler({ engine, recipe, classRows: CLASS_ROWS, weights });
      const conditions = [1_000_001, 1_000_002, 1_000_004].map(blocks);
      const made = await generator.generate({ seeds: [7, 7, 8], classRows: new Int32Array(3), conditions });
      made.forEach((image, i) => expect(correlation(image, conditions[i] ?? [])).toBeLessThan(-0.8));
      await generator.dispose();
      await trainer.dispose();
    },
    TIMEOUT_MS,
  );
});
