import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { RecipeInput } from '@tributary/protocol/recipe';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import { SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { createSampler } from '../sampling/generator.js';
import { createTrainer } from '../training/trainer.js';
import { lowResolution } from './image-condition.js';

/** Training on a busy machine. */
jest.setTimeout(60_000);

const GIVEN: RecipeInput['conditioning'] = { site: false, image: { kind: 'given', channels: 1 } };
const PIXELS = 64;

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ name: 'onnx', threads: 1 });
});
afterAll(() => engine.dispose());

describe('image conditions', () => {
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
