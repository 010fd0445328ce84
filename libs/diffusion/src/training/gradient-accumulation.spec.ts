import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import { DDPM_FIELDS, SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { partOfBatch } from './gradient-accumulation.js';
import { createTrainer } from './trainer.js';

/** Training on a busy machine. */
jest.setTimeout(60_000);

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ name: 'onnx', threads: 1 });
});
afterAll(() => engine.dispose());

interface Trained {
  readonly weights: Float32Array;
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
}

async function train(accumulationSteps: number, changes: Parameters<typeof smallRecipe>[0] = {}): Promise<Trained> {
  const base = smallRecipe(changes);
  const recipe = smallRecipe({ ...changes, optimiser: { ...base.optimiser, accumulationSteps } });
  const trainer = await createTrainer({ engine, recipe, classRows: SMALL_CLASS_ROWS, emaDecay: 0.5 });
  trainer.setWeights(trainer.initialWeights(11));
  const losses: number[] = [];
  const gradientNorms: number[] = [];
  for (let globalStep = 0; globalStep < 4; globalStep++) {
    const random = randomStream(3, 'accumulation', globalStep);
    const images = new Float32Array(4 * 64);
    random.fillUniform(images);
    const made = await trainer.step({ images, classRows: Int32Array.of(0, 1, 1, 0), random, globalStep });
    losses.push(made.loss);
    gradientNorms.push(made.gradientNorm);
  }
  const weights = await trainer.weights();
  await trainer.dispose();
  return { weights, losses, gradientNorms };
}

describe('gradient accumulation', () => {
  const network = { ...smallRecipe().network, dropout: 0.2 };

  it.each([
    ['EDM, two parts', 2, {}],
    ['DDPM with dropout, four parts of one image', 4, { ...DDPM_FIELDS, network }],
  ] as const)('takes the steps of the whole batch: %s', async (_, parts, changes) => {
    const whole = await train(1, changes);
    const inParts = await train(parts, changes);
    inParts.losses.forEach((loss, i) => expect(loss).toBeCloseTo(whole.losses[i] ?? NaN, 4));
    inParts.gradientNorms.forEach((norm, i) => {
      expect(Math.abs(norm / (whole.gradientNorms[i] ?? NaN) - 1)).toBeLessThan(1e-4);
    });
    // Four steps of at most the learning rate, 4e-3, each; a gradient near zero may round to the other sign.
    const worst = inParts.weights.reduce((most, w, i) => Math.max(most, Math.abs(w - (whole.weights[i] ?? NaN))), 0);
    const moved = inParts.weights.filter((w, i) => Math.abs(w - (whole.weights[i] ?? NaN)) > 2e-5);
    expect(worst).toBeLessThan(8e-3);
    expect(moved.length / inParts.weights.length).toBeLessThan(0.01);
  });

  it('cuts every array along the batch', () => {
    const parts = partOfBatch({ a: Float32Array.of(1, 2, 3, 4), b: Int32Array.of(5, 6) }, 1, 2);
    expect(parts).toEqual({ a: Float32Array.of(3, 4), b: Int32Array.of(6) });
  });

  it('refuses parts that are not equally large', () => {
    const { optimiser } = smallRecipe();
    expect(() => smallRecipe({ optimiser: { ...optimiser, accumulationSteps: 3 } })).toThrow(
      /divisor of rounds.batchSize/,
    );
  });
});
