import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { RecipeInput } from '@tributary/protocol/recipe';
import { openEngine, randomStream, type Engine } from '@tributary/tensor';
import { SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { createSampler } from '../sampling/generator.js';
import { createTrainer } from '../training/trainer.js';
import { lowResolution } from './image-condition.js';

/** Training on a busy machine. */
jest.setTimeout(120_000);

const GIVEN: RecipeInput['conditioning'] = { site: false, image: { kind: 'given', channels: 1 } };
const PIXELS = 64;

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ name: 'onnx', threads: 1 });
});
afterAll(() => engine.dispose());

/** Four blocks of 4 x 4 pixels, each of its own grey. */
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

describe('image conditions', () => {
  it('are followed: a model of negatives learns to make the negative of any condition', async () => {
    const recipe = smallRecipe({
      conditioning: GIVEN,
      network: { ...smallRecipe().network, attention: [false, false] },
    });
    const trainer = await createTrainer({ engine, recipe, classRows: SMALL_CLASS_ROWS });
    trainer.setWeights(trainer.initialWeights(11));
    for (let globalStep = 0; globalStep < 250; globalStep++) {
      const conditions = Float32Array.from([0, 1, 2, 3].flatMap((i) => [...blocks(4 * globalStep + i)]));
      const images = conditions.map((value) => -value);
      const classRows = Int32Array.of(0, 0, 0, 0);
      await trainer.step({ images, conditions, classRows, random: randomStream(3, 'step', globalStep), globalStep });
    }
    const generator = await createSampler({
      engine,
      recipe,
      classRows: SMALL_CLASS_ROWS,
      weights: await trainer.weights(),
    });
    const conditions = [1_000_001, 1_000_002, 1_000_004].map(blocks);
    const made = await generator.generate({ seeds: [7, 7, 7], classRows: new Int32Array(3), conditions });
    made.forEach((image, i) => {
      expect(correlation(image, conditions[i] ?? [])).toBeLessThan(-0.8);
    });
    await generator.dispose();
    await trainer.dispose();
  });

  it('must come with every seed and every batch, in their size, and only to models that have one', async () => {
    const recipe = smallRecipe({ conditioning: GIVEN });
    const trainer = await createTrainer({ engine, recipe, classRows: SMALL_CLASS_ROWS });
    const weights = trainer.initialWeights(1);
    trainer.setWeights(weights);
    const step = { images: new Float32Array(4 * PIXELS), classRows: new Int32Array(4), globalStep: 0 };
    await expect(trainer.step({ ...step, random: randomStream(1) })).rejects.toThrow(/256 values of conditions, got 0/);

    const generator = await createSampler({ engine, recipe, classRows: SMALL_CLASS_ROWS, weights });
    const request = { seeds: [1], classRows: Int32Array.of(0) };
    await expect(generator.generate(request)).rejects.toThrow(/1 seeds need as many image conditions/);
    await expect(generator.generate({ ...request, conditions: [new Float32Array(3)] })).rejects.toThrow(
      /64 values, got 3/,
    );
    await generator.dispose();
    await trainer.dispose();

    const plain = smallRecipe();
    const unconditional = await createTrainer({ engine, recipe: plain, classRows: SMALL_CLASS_ROWS });
    const other = await createSampler({
      engine,
      recipe: plain,
      classRows: SMALL_CLASS_ROWS,
      weights: unconditional.initialWeights(1),
    });
    await expect(other.generate({ ...request, conditions: [new Float32Array(PIXELS)] })).rejects.toThrow(
      /no image condition/,
    );
    await other.dispose();
    await unconditional.dispose();
  });

  it('of super-resolution are means of squares at full size', () => {
    const image = Float32Array.from({ length: PIXELS }, (_, i) => i);
    const low = lowResolution(image, { sizePx: 8, channels: 1 }, 4);
    // Mean of 0…3, 8…11, 16…19, 24…27 is 13.5; the square to its right is 4 more.
    expect([low[0], low[27], low[4], low[36]]).toEqual([13.5, 13.5, 17.5, 49.5]);
    expect(lowResolution(low, { sizePx: 8, channels: 1 }, 4)).toEqual(low);
    expect(() => lowResolution(image, { sizePx: 16, channels: 1 }, 4)).toThrow(/256 values/);
  });
});
