import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import { samplersFor } from '@tributary/protocol/samplers';
import type { Engine } from '@tributary/tensor';
import { blockMeanProjection } from '../conditioning/data-consistency.js';
import type { LogLikelihoodGradient } from '../conditioning/gradient-guidance.js';
import { buildNetwork } from '../network/build-network.js';
import { DDPM_FIELDS, SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import type { GenerateOptions } from './generate-options.js';
import { createSampler, type Generator } from './generator.js';

/** Sampling on a busy machine. */
jest.setTimeout(60_000);

const SIGMA_DATA = 0.5;
const SIDE = 8;
const recipe = smallRecipe();
const network = buildNetwork(recipe, SMALL_CLASS_ROWS);

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ name: 'onnx', threads: 1 });
});
afterAll(() => engine.dispose());

type Options = Partial<GenerateOptions> & Pick<GenerateOptions, 'seeds'>;

function made(generator: Generator, options: Options): Promise<Float32Array[]> {
  return generator.generate({ classRows: Int32Array.from(options.seeds, (seed) => seed % 2), ...options });
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('a generator guided by a gradient', () => {
  /** Weights of 0: EDM's estimate is then cSkip x, which is exact for pixels from N(0, sigmaData²). */
  let gaussian: Generator;
  beforeAll(async () => {
    const weights = new Float32Array(network.parameterCount);
    gaussian = await createSampler({ engine, recipe, classRows: SMALL_CLASS_ROWS, weights });
  });
  afterAll(() => gaussian.dispose());

  const MEASURED = { value: 0.8, stddev: 0.3 };
  const isMeasured = (index: number): boolean => index < 32;
  /** y = x_0 + N(0, stddev²) for the upper half of the image; p(y | x_t) is Gaussian in x_t. */
  const gradient: LogLikelihoodGradient = async (x, { alpha, sigma }) => {
    const gain = (alpha * SIGMA_DATA ** 2) / ((alpha * SIGMA_DATA) ** 2 + sigma ** 2);
    const variance = MEASURED.stddev ** 2 + SIGMA_DATA ** 2 - gain * alpha * SIGMA_DATA ** 2;
    return x.map((value, i) => (isMeasured(i) ? (gain * (MEASURED.value - gain * value)) / variance : 0));
  };
  const seeds = Array.from({ length: 24 }, (_, seed) => seed);

  it('draws the measured region from the posterior and the rest as before', async () => {
    const images = await made(gaussian, { seeds, sampler: 'heun', steps: 40, guide: { gradient, scale: 1 } });
    const region = images.flatMap((image) => [...image].filter((_, i) => isMeasured(i)));
    const rest = images.flatMap((image) => [...image].filter((_, i) => !isMeasured(i)));
    const precision = 1 / SIGMA_DATA ** 2 + 1 / MEASURED.stddev ** 2;
    const posterior = { mean: MEASURED.value / MEASURED.stddev ** 2 / precision, stddev: Math.sqrt(1 / precision) };
    // 768 values each: standard errors of the means are 0.009 and 0.018.
    expect(mean(region)).toBeCloseTo(posterior.mean, 1);
    expect(Math.sqrt(mean(region.map((value) => (value - mean(region)) ** 2)))).toBeCloseTo(posterior.stddev, 1);
    expect(Math.abs(mean(rest))).toBeLessThan(0.08);
    expect(Math.sqrt(mean(rest.map((value) => value ** 2)))).toBeCloseTo(SIGMA_DATA, 1);
  });

  it('makes the same image in any batch, and with scale 0 the unguided one', async () => {
    const guide = { gradient, scale: 1 };
    const [alone] = await made(gaussian, { seeds: [15], guide, batchSize: 1 });
    const together = await made(gaussian, { seeds: [4, 8, 15], guide });
    expect(together[2]).toEqual(alone);
    const unguided = await made(gaussian, { seeds: [15], guide: { gradient, scale: 0 } });
    expect(unguided).toEqual(await made(gaussian, { seeds: [15] }));
    expect(unguided[0]).not.toEqual(alone);
  });

  it('keeps the known part of an image that is filled in, and guides the rest', async () => {
    const image = Float32Array.from({ length: SIDE ** 2 }, (_, i) => Math.sin(i));
    const mask = image.map((_, i) => (i % 2 === 0 ? 1 : 0));
    const edit = { image, mask, resamples: 1 };
    const [guided] = await made(gaussian, { seeds: [3], edit, guide: { gradient, scale: 1 } });
    const [plain] = await made(gaussian, { seeds: [3], edit });
    const kept = (values?: Float32Array): number[] => [...(values ?? [])].filter((_, i) => i % 2 === 0);
    expect(kept(guided)).toEqual(kept(image));
    expect(guided).not.toEqual(plain);
  });

  it.each([-1, NaN])('refuses the scale %p', async (scale) => {
    await expect(made(gaussian, { seeds: [1], guide: { gradient, scale } })).rejects.toThrow(/guidance must be >= 0/);
  });

  it('refuses a gradient of another size', async () => {
    const guide = { gradient: async () => new Float64Array(3), scale: 1 };
    await expect(made(gaussian, { seeds: [1], guide })).rejects.toThrow(/differ in size/);
  });
});

describe('a generator whose images agree with a measurement', () => {
  const FACTOR = 4;
  const means = Float64Array.of(0.5, -0.75, 0, 1);
  const consistency = blockMeanProjection(means, { side: SIDE, factor: FACTOR, channels: 1 });

  const blockMeans = (image: Float32Array): number[] =>
    Array.from(means, (_, block) =>
      mean(
        [...image].filter((_value, i) => {
          const [row, column] = [Math.floor(i / SIDE), i % SIDE];
          return 2 * Math.floor(row / FACTOR) + Math.floor(column / FACTOR) === block;
        }),
      ),
    );

  const generatorOf = (changes: Parameters<typeof smallRecipe>[0]): Promise<Generator> => {
    const changed = smallRecipe(changes);
    const weights = buildNetwork(changed, SMALL_CLASS_ROWS).initial(5);
    return createSampler({ engine, recipe: changed, classRows: SMALL_CLASS_ROWS, weights });
  };

  it.each([
    ['edm', {}],
    ['ddpm', { ...DDPM_FIELDS, objective: { prediction: 'epsilon', variance: 'learned' } }],
  ] as const)('has them in every image of %s, whatever the sampler and the batch', async (kind, changes) => {
    const generator = await generatorOf(changes);
    for (const sampler of samplersFor(kind)) {
      const [alone] = await made(generator, { seeds: [15], sampler, consistency, batchSize: 1 });
      const images = await made(generator, { seeds: [4, 15], sampler, consistency });
      expect(images[1]).toEqual(alone);
      expect(images[0]).not.toEqual(alone);
      for (const image of images) {
        blockMeans(image).forEach((value, i) => expect(value).toBeCloseTo(means[i] ?? NaN, 6));
        expect(Math.max(...image.map(Math.abs))).toBeLessThanOrEqual(1);
      }
    }
    await generator.dispose();
  });

  it('is refused where pixels are known too, and for images of another size', async () => {
    const generator = await generatorOf({});
    const image = new Float32Array(SIDE ** 2);
    const edit = { image, mask: image };
    await expect(made(generator, { seeds: [1], edit, consistency })).rejects.toThrow(/either agrees/);
    const small = blockMeanProjection(means, { side: 4, factor: 2, channels: 1 });
    await expect(made(generator, { seeds: [1], consistency: small })).rejects.toThrow(/16 values for an image of 64/);
    await generator.dispose();
  });
});
