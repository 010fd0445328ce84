import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import type { RecipeInput } from '@tributary/protocol/recipe';
import { SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { createTrainer, type Trainer } from './trainer.js';

/** Training on a busy machine. */
jest.setTimeout(60_000);

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ name: 'onnx', threads: 1 });
});
afterAll(() => engine.dispose());

/** Adam without history and clipping: m after one step is a tenth of the gradient that was followed. */
const GRADIENT_SHARE = 0.1;
const images = Float32Array.from({ length: 4 * 64 }, (_, i) => Math.sin(i));

function trainerOf(strategy: RecipeInput['strategy']): Promise<Trainer> {
  const optimiser = { kind: 'adamw', learningRate: 1e-3, clipNorm: 1e9, schedule: 'constant' } as const;
  return createTrainer({ engine, recipe: smallRecipe({ strategy, optimiser }), classRows: SMALL_CLASS_ROWS });
}

async function step(trainer: Trainer, weights: Float32Array): Promise<Float32Array> {
  trainer.setWeights(weights);
  const zeros = new Float32Array(weights.length);
  trainer.setOptimiserState({ vectors: { m: zeros, v: zeros }, step: 0 });
  await trainer.step({
    images,
    classRows: Int32Array.of(0, 1, 0, 1),
    random: randomStream(3, 'step'),
    globalStep: 0,
  });
  return ((await trainer.optimiserState()).vectors['m'] ?? new Float32Array(0)).map((m) => m / GRADIENT_SHARE);
}

function expectClose(actual: Float32Array, expected: Float32Array): void {
  const largest = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (actual[i] ?? NaN))), 0);
  expect(largest).toBeLessThan(1e-4);
}

describe('the gradient that a strategy lets a site follow', () => {
  it('is pulled by mu times the distance to the weights of the round with FedProx', async () => {
    const plain = await trainerOf({ kind: 'fedavg' });
    const weights = plain.initialWeights(11);
    const gradient = await step(plain, weights);
    const proximal = await trainerOf({ kind: 'fedprox', mu: 0.5 });
    const anchor = weights.map((w, i) => w - Math.cos(i));
    proximal.setStrategyState({ anchor });
    expectClose(
      await step(proximal, weights),
      gradient.map((g, i) => g + 0.5 * Math.cos(i)),
    );
    expect((await proximal.strategyState()).anchor).toEqual(anchor);
    await plain.dispose();
    await proximal.dispose();
  });

  it('is corrected by c - c_i with SCAFFOLD, which sums the gradients before correction', async () => {
    const plain = await trainerOf({ kind: 'fedavg' });
    const weights = plain.initialWeights(11);
    const gradient = await step(plain, weights);
    const scaffold = await trainerOf({ kind: 'scaffold' });
    const correction = weights.map((_, i) => Math.cos(i));
    scaffold.setStrategyState({ correction });
    expectClose(
      await step(scaffold, weights),
      gradient.map((g, i) => g + Math.cos(i)),
    );
    await step(scaffold, weights);
    expectClose(
      (await scaffold.strategyState()).gradientSum ?? new Float32Array(0),
      gradient.map((g) => 2 * g),
    );
    expect(await plain.strategyState()).toEqual({});
    expect(() => plain.setStrategyState({ correction })).toThrow(RangeError);
    await plain.dispose();
    await scaffold.dispose();
  });
});
