import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import { SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { createTrainer, type StepResult, type Trainer } from './trainer.js';

/** Training on a busy machine. */
jest.setTimeout(120_000);

/** float16 keeps 11 bits, 2^-11 = 5e-4 a rounding; a gradient passes a few dozen of them. */
const GRADIENT_BOUND = 4e-3;
const CURVE_BOUND = 2e-3;
const STEPS = 50;

const engines: Engine[] = [];
beforeAll(async () => {
  for (const precision of ['float32', 'float16'] as const)
    engines.push(await openEngine({ name: 'onnx', threads: 1, precision }));
});
afterAll(() => Promise.all(engines.map((engine) => engine.dispose())));

async function newTrainer(precision: 'float32' | 'float16', accumulationSteps = 1): Promise<Trainer> {
  const engine = engines.find((candidate) => candidate.precision === precision);
  if (!engine) throw new RangeError(precision);
  const { optimiser } = smallRecipe();
  const recipe = smallRecipe({ optimiser: { ...optimiser, learningRate: 1e-3, accumulationSteps } });
  const trainer = await createTrainer({ engine, recipe, classRows: SMALL_CLASS_ROWS });
  trainer.setWeights(trainer.initialWeights(11));
  return trainer;
}

function step(trainer: Trainer, globalStep: number): Promise<StepResult> {
  const random = randomStream(3, 'precision', globalStep);
  const images = Float32Array.from({ length: 4 * 64 }, (_, i) => (i % 8 >= 4 ? 0.8 : -0.8));
  return trainer.step({ images, classRows: Int32Array.of(0, 1, 1, 0), random, globalStep });
}

/** The first moment after one step is (1 - beta1) times the clipped gradient. */
async function firstMoment(trainer: Trainer): Promise<Float32Array> {
  await step(trainer, 0);
  return (await trainer.optimiserState()).vectors['m'] ?? new Float32Array(0);
}

const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));

describe('training in float16', () => {
  it('has the gradient of float32 to 0.4 %, and not its bits', async () => {
    const [exact, half] = [await newTrainer('float32'), await newTrainer('float16')];
    const expected = await firstMoment(exact);
    const found = await firstMoment(half);
    const error = norm(found.map((m, i) => m - (expected[i] ?? NaN))) / norm(expected);
    expect(error).toBeLessThan(GRADIENT_BOUND);
    expect(error).toBeGreaterThan(0);
    await Promise.all([exact.dispose(), half.dispose()]);
  });

  it('follows the losses of float32 over 50 steps to 0.2 %', async () => {
    const [exact, half] = [await newTrainer('float32'), await newTrainer('float16')];
    let worst = 0;
    for (let i = 0; i < STEPS; i++) {
      const [expected, found] = [await step(exact, i), await step(half, i)];
      expect(found.isSkipped).toBe(false);
      worst = Math.max(worst, Math.abs(found.loss / expected.loss - 1));
    }
    expect(worst).toBeLessThan(CURVE_BOUND);
    await Promise.all([exact.dispose(), half.dispose()]);
  });

  it.each([1, 2])('skips a step that overflows, halves the scale, and goes on; %i parts', async (parts) => {
    const trainer = await newTrainer('float16', parts);
    await step(trainer, 0);
    const { vectors, step: seen } = await trainer.optimiserState();
    trainer.setOptimiserState({ vectors, step: seen, lossScale: { scale: 2 ** 24, goodSteps: 7 } });
    const before = { weights: await trainer.weights(), ema: await trainer.averagedWeights() };

    const skipped = await step(trainer, 1);
    expect(skipped).toMatchObject({ isSkipped: true, loss: expect.any(Number) });
    expect(Number.isFinite(skipped.gradientNorm)).toBe(false);
    expect({ weights: await trainer.weights(), ema: await trainer.averagedWeights() }).toEqual(before);
    const after = await trainer.optimiserState();
    expect(after).toEqual({ vectors, step: seen, lossScale: { scale: 2 ** 23, goodSteps: 0 } });

    for (let i = 0; i < 12 && (await step(trainer, 1)).isSkipped; i++);
    expect((await trainer.optimiserState()).step).toBe(seen + 1);
    expect(await trainer.weights()).not.toEqual(before.weights);
    await trainer.dispose();
  });

  it('goes on after a restart with the same bits and the same scale', async () => {
    const whole = await newTrainer('float16');
    await step(whole, 0);
    const [weights, optimiser] = [await whole.weights(), await whole.optimiserState()];
    expect(optimiser.lossScale).toEqual({ scale: 2 ** 16, goodSteps: 1 });
    await step(whole, 1);
    const resumed = await newTrainer('float16');
    resumed.setWeights(weights);
    resumed.setOptimiserState(optimiser);
    await step(resumed, 1);
    expect(await resumed.weights()).toEqual(await whole.weights());
    expect(await resumed.optimiserState()).toEqual(await whole.optimiserState());
    await Promise.all([whole.dispose(), resumed.dispose()]);
  });

  it('stops with a code when no smaller scale can help', async () => {
    const trainer = await newTrainer('float16');
    trainer.setWeights(trainer.initialWeights(11).fill(NaN));
    await expect(step(trainer, 3)).rejects.toMatchObject({ code: 'TRAIN_NOT_FINITE', context: { step: 3 } });
    await trainer.dispose();
  });
});
