import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import type { Engine } from '@tributary/tensor';
import { buildNetwork } from '../network/build-network.js';
import { initialModel } from '../initial-model.js';
import { DDPM_FIELDS, SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { bitsPerDimension } from './log-likelihood.js';
import { createLikelihoodEstimator, type LikelihoodProgress } from './network-likelihood.js';

/** An adaptive solver on a busy machine. */
jest.setTimeout(120_000);

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ name: 'onnx', threads: 1 });
});
afterAll(() => engine.dispose());

const image = Float32Array.from({ length: 64 }, (_, i) => 0.4 * Math.sin(i));

describe('likelihood under a network', () => {
  it('is that of its Gaussian when the network knows only noise', async () => {
    // With EDM and a network of zeros D = cSkip x: the exact denoiser of pixels N(0, sigmaData²), up to the noise at the earliest time.
    const recipe = smallRecipe({ process: { kind: 'edm', sigmaData: 0.5, sigmaMin: 0.02, sigmaMax: 40 } });
    const weights = initialModel(recipe, 1).weights.fill(0);
    const estimator = await createLikelihoodEstimator({ engine, recipe, classRows: SMALL_CLASS_ROWS, weights });
    const [bits = NaN] = await estimator.bitsPerDimension({
      images: [image],
      classRows: Int32Array.of(0),
      seed: 3,
      tolerance: 1e-4,
    });
    await estimator.dispose();
    const variance = 0.5 ** 2 + 0.02 ** 2;
    const exact = image.reduce((sum, x) => sum - 0.5 * Math.log(2 * Math.PI * variance) - x ** 2 / (2 * variance), 0);
    expect(Math.abs(bits - bitsPerDimension(exact, 64))).toBeLessThan(0.01);
  });

  it('is the mean over probes of an image, and tells how far it is', async () => {
    const recipe = smallRecipe({ process: { kind: 'vp' }, objective: { prediction: 'velocity' } });
    const weights = buildNetwork(recipe, SMALL_CLASS_ROWS).initial(5);
    const estimator = await createLikelihoodEstimator({ engine, recipe, classRows: SMALL_CLASS_ROWS, weights });
    const request = { images: [image], classRows: Int32Array.of(1), tolerance: 1e-2 };
    const spread = async (traceSamples: number): Promise<number> => {
      const seeds = [1, 2, 3, 4, 5, 6];
      const bits = await Promise.all(
        seeds.map(async (seed) => (await estimator.bitsPerDimension({ ...request, seed, traceSamples }))[0] ?? NaN),
      );
      return Math.max(...bits) - Math.min(...bits);
    };
    // The range of six means of 16 probes is a quarter of that of single ones, on average.
    expect(await spread(16)).toBeLessThan(0.6 * (await spread(1)));

    const seen: LikelihoodProgress[] = [];
    const images = [image, image, image];
    const classRows = Int32Array.of(0, 1, 0);
    const onProgress = (progress: LikelihoodProgress): number => seen.push(progress);
    await estimator.bitsPerDimension({ ...request, images, classRows, seed: 3, onProgress });
    expect(seen.at(-1)).toMatchObject({ imagesDone: 3, imagesTotal: 3 });
    expect(seen.at(-1)?.evaluations).toBeGreaterThan(20);

    const abort = new AbortController();
    const reason = new Error('enough');
    const stop = { ...request, seed: 3, onProgress: () => abort.abort(reason), signal: abort.signal };
    await expect(estimator.bitsPerDimension(stop)).rejects.toBe(reason);
    await expect(estimator.bitsPerDimension({ ...request, seed: 3, traceSamples: 0 })).rejects.toThrow(/traceSamples/);
    await expect(estimator.bitsPerDimension({ ...request, seed: 3, images })).rejects.toThrow(/3 images/);
    await estimator.dispose();
  });

  it('does not depend on the images beside it', async () => {
    const recipe = smallRecipe({ process: { kind: 'vp' }, objective: { prediction: 'velocity' } });
    const { weights } = initialModel(recipe, 1);
    const estimator = await createLikelihoodEstimator({ engine, recipe, classRows: SMALL_CLASS_ROWS, weights });
    const request = { seed: 3, tolerance: 1e-2 };
    const [alone] = await estimator.bitsPerDimension({ ...request, images: [image], classRows: Int32Array.of(1) });
    const together = await estimator.bitsPerDimension({
      ...request,
      images: [image, image.map((x) => -x)],
      classRows: Int32Array.of(1, 0),
    });
    await estimator.dispose();
    expect(together[0]).toBe(alone);
    expect(together[1]).not.toBe(alone);
  });

  it('refuses processes that have no ODE', async () => {
    const recipe = smallRecipe(DDPM_FIELDS);
    const { weights } = initialModel(recipe, 1);
    await expect(
      createLikelihoodEstimator({ engine, recipe, classRows: SMALL_CLASS_ROWS, weights }),
    ).rejects.toMatchObject({ code: 'RECIPE_INCOMPATIBLE' });
  });
});
