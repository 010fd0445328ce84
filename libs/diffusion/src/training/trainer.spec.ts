import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import { DDPM_FIELDS, SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { createTrainer, type Trainer, type TrainingStep } from './trainer.js';

/** Training on a busy machine. */
jest.setTimeout(60_000);

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ name: 'onnx', threads: 1 });
});
afterAll(() => engine.dispose());

/** Bright on the left for class 0, on the right for class 1. */
function halves(step: number): Pick<TrainingStep, 'images' | 'classRows'> {
  const classRows = Int32Array.from({ length: 4 }, (_, i) => (i + step) % 2);
  const images = Float32Array.from({ length: 4 * 64 }, (_, i) => {
    const isRight = i % 8 >= 4 ? 1 : 0;
    return isRight === classRows[Math.floor(i / 64)] ? 0.8 : -0.8;
  });
  return { images, classRows };
}

async function train(trainer: Trainer, from: number, to: number): Promise<number[]> {
  const losses: number[] = [];
  for (let globalStep = from; globalStep < to; globalStep++) {
    const random = randomStream(3, 'training', globalStep);
    losses.push((await trainer.step({ ...halves(globalStep), random, globalStep })).loss);
  }
  return losses;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('trainer', () => {
  it.each([
    ['EDM', 60, {}],
    ['DDPM', 240, DDPM_FIELDS],
    ['learned variance', 240, { ...DDPM_FIELDS, objective: { prediction: 'epsilon', variance: 'learned' } }],
  ] as const)('learns a two-class toy with %s in %i steps', async (_, steps, fields) => {
    const trainer = await createTrainer({ engine, recipe: smallRecipe(fields), classRows: SMALL_CLASS_ROWS });
    trainer.setWeights(trainer.initialWeights(11));
    const losses = await train(trainer, 0, steps);
    await trainer.dispose();
    expect(mean(losses.slice(-steps / 3))).toBeLessThan(0.5 * mean(losses.slice(0, 10)));
  });

  it('goes on after a restart from weights and optimiser state with the same bits', async () => {
    const options = { engine, recipe: smallRecipe(), classRows: SMALL_CLASS_ROWS };
    const whole = await createTrainer(options);
    whole.setWeights(whole.initialWeights(11));
    await train(whole, 0, 4);
    const weights = await whole.weights();
    const optimiser = await whole.optimiserState();
    await train(whole, 4, 8);

    const resumed = await createTrainer(options);
    resumed.setWeights(weights);
    resumed.setOptimiserState(optimiser);
    await train(resumed, 4, 8);
    expect(await resumed.weights()).toEqual(await whole.weights());
    expect(await resumed.optimiserState()).toEqual(await whole.optimiserState());
    await whole.dispose();
    await resumed.dispose();
  });

  it('drops and scales what is left, drawn from the stream of the step', async () => {
    const { network } = smallRecipe();
    const recipe = smallRecipe({ network: { ...network, dropout: 0.5, resample: 'resnet' } });
    const trainer = await createTrainer({ engine, recipe, classRows: SMALL_CLASS_ROWS });
    const lossOf = async (name: string): Promise<number> => {
      trainer.setWeights(trainer.initialWeights(11));
      const random = randomStream(3, 'training', name);
      return (await trainer.step({ ...halves(0), random, globalStep: 0, learningRateScale: 0 })).loss;
    };
    const first = await lossOf('a');
    expect(await lossOf('a')).toBe(first);
    expect(await lossOf('b')).not.toBe(first);
    await trainer.dispose();
  });

  it('stops with a code and the step when the loss is not finite', async () => {
    const trainer = await createTrainer({ engine, recipe: smallRecipe(), classRows: SMALL_CLASS_ROWS });
    trainer.setWeights(trainer.initialWeights(11).fill(NaN));
    const random = randomStream(3, 'training');
    await expect(trainer.step({ ...halves(0), random, globalStep: 17 })).rejects.toMatchObject({
      code: 'TRAIN_NOT_FINITE',
      context: { step: 17 },
    });
    await trainer.dispose();
  });

  it.each([
    {},
    { process: { kind: 'ddpm', timesteps: 100 }, objective: { prediction: 'epsilon', variance: 'learned' } },
  ] as const)(
    "takes the plain step where no example's gradient is clipped, and a shorter one where all are",
    async (fields) => {
      const recipe = smallRecipe({ ...fields, optimiser: { kind: 'adamw', learningRate: 4e-3, clipNorm: 1e9 } });
      const stepWith = async (exampleClipNorm?: number) => {
        const trainer = await createTrainer({ engine, recipe, classRows: SMALL_CLASS_ROWS, exampleClipNorm });
        trainer.setWeights(trainer.initialWeights(11));
        const result = await trainer.step({ ...halves(0), random: randomStream(3, 'training'), globalStep: 0 });
        const { m = new Float32Array(0) } = (await trainer.optimiserState()).vectors;
        await trainer.dispose();
        return { ...result, m };
      };
      const plain = await stepWith();
      const unclipped = await stepWith(1e9);
      expect(unclipped.loss).toBeCloseTo(plain.loss, 5);
      expect(unclipped.gradientNorm / plain.gradientNorm).toBeCloseTo(1, 4);
      const largest = Math.max(...plain.m.map(Math.abs));
      expect(Math.max(...plain.m.map((value, i) => Math.abs(value - (unclipped.m[i] ?? NaN))))).toBeLessThan(
        1e-4 * largest,
      );
      const clipNorm = plain.gradientNorm / 1000;
      expect((await stepWith(clipNorm)).gradientNorm).toBeLessThanOrEqual(clipNorm * 1.0001);
    },
  );

  it('refuses batches of another size than the recipe asks for', async () => {
    const trainer = await createTrainer({ engine, recipe: smallRecipe(), classRows: SMALL_CLASS_ROWS });
    const random = randomStream(3, 'training');
    const { images, classRows } = halves(0);
    await expect(trainer.step({ images: images.subarray(1), classRows, random, globalStep: 0 })).rejects.toThrow(/256/);
    await expect(trainer.step({ images, classRows: classRows.subarray(1), random, globalStep: 0 })).rejects.toThrow(
      /class rows/,
    );
    await trainer.dispose();
  });
});
