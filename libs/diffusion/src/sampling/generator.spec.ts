import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import { samplersFor } from '@tributary/protocol/samplers';
import type { Engine } from '@tributary/tensor';
import fc from 'fast-check';
import { buildNetwork } from '../network/build-network.js';
import { DDPM_FIELDS, SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import type { GenerateOptions } from './generate-options.js';
import { createSampler, type Generator } from './generator.js';
import type { SamplingProgress } from './sampling-progress.js';

/** Sampling on a busy machine. */
jest.setTimeout(60_000);

const recipe = smallRecipe();
const network = buildNetwork(recipe, SMALL_CLASS_ROWS);
const weights = network.initial(5);

let engine: Engine;
let generator: Generator;
beforeAll(async () => {
  engine = await openEngine({ name: 'onnx', threads: 1 });
  generator = await createSampler({ engine, recipe, classRows: SMALL_CLASS_ROWS, weights });
});
afterAll(async () => {
  await generator.dispose();
  await engine.dispose();
});

async function images(options: Partial<GenerateOptions>): Promise<Float32Array[]> {
  const seeds = options.seeds ?? [4, 8, 15];
  return generator.generate({ classRows: Int32Array.from(seeds, (seed) => seed % 2), ...options, seeds });
}

describe('generator', () => {
  it.each(samplersFor('edm'))('makes the same image in any batch with %s', async (sampler) => {
    const [alone] = await images({ sampler, seeds: [15], batchSize: 1 });
    const [, , together] = await images({ sampler });
    const [reordered] = await images({ sampler, seeds: [15, 99, 4, 8], batchSize: 3 });
    expect(together).toEqual(alone);
    expect(reordered).toEqual(alone);
    expect(alone?.every(Number.isFinite)).toBe(true);
  });

  it.each(['plain', 'blocked'] as const)(
    'makes the same image alone and among twelve, convolutions %s',
    async (layout) => {
      const wide = smallRecipe({
        network: {
          kind: 'unet2d',
          blockOutChannels: [16, 32],
          layersPerBlock: 1,
          attention: [false, true],
          normGroups: 4,
        },
      });
      const onnx = await openEngine({ name: 'onnx', threads: 2, layout });
      const sampler = await createSampler({
        engine: onnx,
        recipe: wide,
        classRows: SMALL_CLASS_ROWS,
        weights: buildNetwork(wide, SMALL_CLASS_ROWS).initial(5),
      });
      const make = (seeds: number[]) =>
        sampler.generate({ seeds, classRows: Int32Array.from(seeds, (seed) => seed % 2), sampler: 'ddim', steps: 4 });
      const [alone] = await make([15]);
      const together = await make([4, 8, 16, 23, 42, 1, 2, 3, 5, 6, 7, 15]);
      expect(together.at(-1)).toEqual(alone);
      await sampler.dispose();
      await onnx.dispose();
    },
  );

  it('makes different images from different seeds and classes', async () => {
    const [first, second] = await images({ seeds: [4, 6] });
    const [otherClass] = await images({ seeds: [4], classRows: Int32Array.of(1) });
    expect(first).not.toEqual(second);
    expect(first).not.toEqual(otherClass);
  });

  it('gives the class no say with guidance 0 and more with guidance 3', async () => {
    const distance = async (guidance: number): Promise<number> => {
      const [zero, one] = await images({ seeds: [4, 4], classRows: Int32Array.of(0, 1), guidance });
      return Math.hypot(...(zero ?? []).map((value, i) => value - (one?.[i] ?? NaN)));
    };
    expect(await distance(0)).toBe(0);
    expect(await distance(3)).toBeGreaterThan(await distance(1));
  });

  it('uses the weights that were set last', async () => {
    const [before] = await images({ seeds: [4] });
    generator.setWeights(network.initial(6));
    const [changed] = await images({ seeds: [4] });
    generator.setWeights(weights);
    const [after] = await images({ seeds: [4] });
    expect(changed).not.toEqual(before);
    expect(after).toEqual(before);
  });

  it('reports progress up to the last image and stops when aborted', async () => {
    const seen: SamplingProgress[] = [];
    await images({ onProgress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toEqual({
      imagesDone: 3,
      imagesTotal: 3,
      movesDone: 24,
      movesTotal: 24,
      step: 0,
      steps: 8,
    });

    const abort = new AbortController();
    const reason = new Error('enough');
    await expect(images({ onProgress: () => abort.abort(reason), signal: abort.signal })).rejects.toBe(reason);
    expect(await images({})).toHaveLength(3);
  });

  it('leaves an image untouched that is changed by nothing or masked whole', async () => {
    const image = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
    const mask = new Float32Array(64).fill(1);
    for (const edit of [
      { image, strength: 0 },
      { image, mask, resamples: 2 },
    ]) {
      for (const made of await images({ edit })) expect(made).toEqual(image);
    }
  });

  it('keeps the masked part of an image and makes the rest anew from each seed', async () => {
    const image = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
    const mask = image.map((_, i) => (i < 32 ? 1 : 0));
    const [first, second] = await images({ edit: { image, mask, resamples: 1 } });
    expect(first?.subarray(0, 32)).toEqual(image.subarray(0, 32));
    expect(second?.subarray(0, 32)).toEqual(image.subarray(0, 32));
    expect(first?.subarray(32)).not.toEqual(second?.subarray(32));
    await expect(images({ edit: { image, mask }, sampler: 'heun' })).rejects.toThrow(
      /heun cannot fill a mask; use ddpm/,
    );
  });

  it('changes an image the more, the greater the strength', async () => {
    const image = new Float32Array(64).fill(0.5);
    const changes: number[] = [];
    for (const strength of [0, 0.34, 0.67, 1]) {
      const [made] = await images({ edit: { image, strength } });
      changes.push(Math.hypot(...(made ?? []).map((value, i) => value - (image[i] ?? NaN))));
    }
    expect(changes).toEqual(changes.toSorted((a, b) => a - b));
  });

  it.each([
    [{ image: new Float32Array(64), strength: 1.5 }, /strength/],
    [{ image: new Float32Array(63) }, /63 values/],
    [{ image: new Float32Array(64), mask: new Float32Array(3) }, /mask/],
  ])('refuses an edit that makes no sense (%#)', async (edit, message) => {
    await expect(images({ edit })).rejects.toThrow(message);
  });

  it('gives permuted seeds their permuted images, whatever the batch (any order, any size)', async () => {
    const seeds = [3, 1, 4, 15];
    const expected = await images({ seeds, sampler: 'ddim', steps: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 1 }),
        fc.integer({ min: 1, max: 5 }),
        async (order, batchSize) => {
          const made = await images({ seeds: order.map((i) => seeds[i] ?? 0), sampler: 'ddim', steps: 4, batchSize });
          expect(made).toEqual(order.map((i) => expected[i]));
        },
      ),
      { numRuns: 12 },
    );
  });

  it('takes the variance that a network has learned in ancestral sampling and in no other', async () => {
    const learned = smallRecipe({ ...DDPM_FIELDS, objective: { prediction: 'epsilon', variance: 'learned' } });
    const { manifest, initial } = buildNetwork(learned, SMALL_CLASS_ROWS);
    const start = initial(5);
    const certain = Float32Array.from(start);
    // The second bias of the last convolution moves the variance of every pixel.
    const before = manifest.slice(
      0,
      manifest.findIndex(({ name }) => name === 'conv_out.bias'),
    );
    const offset = before.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    certain[offset + 1] = (certain[offset + 1] ?? 0) - 3;
    const sampler = await createSampler({ engine, recipe: learned, classRows: SMALL_CLASS_ROWS, weights: start });
    const make = async (weightsOf: Float32Array, name: 'ddpm' | 'ddim', guidance: number) => {
      sampler.setWeights(weightsOf);
      return sampler.generate({ seeds: [3], classRows: Int32Array.of(1), sampler: name, steps: 8, guidance });
    };
    for (const guidance of [1, 2]) {
      expect(await make(certain, 'ddim', guidance)).toEqual(await make(start, 'ddim', guidance));
      expect(await make(certain, 'ddpm', guidance)).not.toEqual(await make(start, 'ddpm', guidance));
    }
    await sampler.dispose();
  });

  it('makes volumes', async () => {
    const image = { sizePx: 8, depthPx: 2, channels: 1 } as const;
    const volumes = smallRecipe({ image, network: { ...recipe.network, kind: 'unet3d', attention: [false, false] } });
    const start = buildNetwork(volumes, SMALL_CLASS_ROWS).initial(5);
    const sampler = await createSampler({ engine, recipe: volumes, classRows: SMALL_CLASS_ROWS, weights: start });
    const [volume] = await sampler.generate({ seeds: [3], classRows: Int32Array.of(1), sampler: 'ddim', steps: 4 });
    expect(volume).toHaveLength(2 * 64);
    expect(volume?.every(Number.isFinite)).toBe(true);
    await sampler.dispose();
  });

  it('is not guided by a guidance of 1', async () => {
    expect(await images({ guidance: 1 })).toEqual(await images({}));
  });

  it('refuses rows that do not exist, too few rows, and no steps', async () => {
    await expect(images({ seeds: [1], classRows: Int32Array.of(3) })).rejects.toThrow(/\[0, 3\)/);
    await expect(images({ seeds: [1, 2], classRows: Int32Array.of(0) })).rejects.toThrow(/2 seeds/);
    await expect(images({ steps: 0 })).rejects.toMatchObject({ code: 'SAMPLER_INCOMPATIBLE' });
  });

  it('refuses guidance for a model that never saw an image without its class, and more steps than the process has', async () => {
    const unguided = smallRecipe({ ...DDPM_FIELDS, conditioning: { site: false, dropout: 0 } });
    const discrete = await createSampler({ engine, recipe: unguided, classRows: SMALL_CLASS_ROWS, weights });
    const request = { seeds: [1], classRows: Int32Array.of(0) };
    await expect(discrete.generate({ ...request, guidance: 2 })).rejects.toMatchObject({
      code: 'SAMPLER_INCOMPATIBLE',
    });
    await expect(discrete.generate({ ...request, steps: 101 })).rejects.toThrow(/1 to 100, got 101/);
    await discrete.dispose();
  });

  it.each(['langevin', 'pc'] as const)('refuses %s with EDM and names what fits', async (sampler) => {
    const request = images({ sampler });
    await expect(request).rejects.toMatchObject({ code: 'SAMPLER_INCOMPATIBLE' });
    await expect(request).rejects.toThrow(
      /use ddpm, ddim, euler-maruyama, ode, heun, dpmpp-2m, dpmpp-2m-sde, euler, unipc, lms, pndm with process.kind edm/,
    );
  });
});
