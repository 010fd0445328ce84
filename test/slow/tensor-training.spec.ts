import { describe, expect, it } from '@jest/globals';
import { createTrainer } from '@tributary/diffusion';
import { recipeSchema } from '@tributary/protocol/recipe';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';

const recipe = recipeSchema.parse({
  name: 'tiny',
  seed: 1,
  image: { sizePx: 8, channels: 1 },
  classes: ['any'],
  data: { intensity: { method: 'percentile' } },
  conditioning: { site: false, dropout: 0 },
  network: { kind: 'unet2d', blockOutChannels: [4], attention: [false], attentionHeadDim: 4, normGroups: 2 },
  process: { kind: 'edm' },
  objective: { prediction: 'edm' },
  optimiser: { kind: 'adamw', learningRate: 1e-3, schedule: 'constant' },
  rounds: { count: 1, localSteps: 1, batchSize: 2, quorum: 1 },
  strategy: { kind: 'fedavg' },
  evaluation: { sampler: 'ddim', steps: 4 },
});

const IMAGE_VALUES = 2 * 8 * 8;
const MINUTE_MS = 60_000;
const MEBIBYTE = 2 ** 20;
/** Bound on what rounding adds to weights in 200 steps: the norm of their difference beside the norm of the weights. */
const WEIGHT_BOUND = 1e-3;

async function openTrainer(engine: Engine) {
  const trainer = await createTrainer({ engine, recipe, classRows: 0, emaDecay: 0.99 });
  trainer.setWeights(trainer.initialWeights(1));
  const random = randomStream(1, 'training');
  const images = new Float32Array(IMAGE_VALUES);
  random.fillNormal(images);
  const classRows = new Int32Array(2);
  let globalStep = 0;
  return { trainer, step: () => trainer.step({ images, classRows, random, globalStep: globalStep++ }) };
}

async function train(name: 'onnx' | 'reference', steps: number) {
  const engine = await openEngine({ name, threads: 1 });
  const { trainer, step } = await openTrainer(engine);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push((await step()).loss);
  const weights = await trainer.weights();
  await trainer.dispose();
  await engine.dispose();
  return { losses, weights };
}

describe('training', () => {
  it(
    'has the loss curve of the eager reference for 200 steps, to 1e-3, and its weights in the end',
    async () => {
      const recorded = await train('onnx', 200);
      const eager = await train('reference', 200);
      recorded.losses.forEach((loss, i) => {
        const expected = eager.losses[i] ?? Number.NaN;
        expect(Math.abs(loss / expected - 1)).toBeLessThan(1e-3);
      });
      const difference = Math.hypot(...recorded.weights.map((weight, i) => weight - (eager.weights[i] ?? Number.NaN)));
      expect(difference / Math.hypot(...eager.weights)).toBeLessThan(WEIGHT_BOUND);
      expect(new Set(recorded.losses).size).toBe(200);
    },
    20 * MINUTE_MS,
  );

  it('repeats bit for bit', async () => {
    expect(await train('onnx', 50)).toEqual(await train('onnx', 50));
  });

  it(
    'holds its memory over 5,000 steps: resident set within 3 % and 4 MiB of that after 500',
    async () => {
      const engine = await openEngine({ name: 'onnx', threads: 1 });
      const { trainer, step } = await openTrainer(engine);
      const residentAfter = async (steps: number) => {
        for (let i = 0; i < steps; i++) await step();
        globalThis.gc?.();
        return process.memoryUsage.rss();
      };
      const early = await residentAfter(500);
      const late = await residentAfter(4_500);
      expect(late).toBeLessThan(1.03 * early + 4 * MEBIBYTE);
      await trainer.dispose();
    },
    20 * MINUTE_MS,
  );
});
