import { describe, expect, it } from '@jest/globals';
import { randomStream } from '@tributary/random';
import { CLEAN, noiseRatio, type NoiseLevel } from '../processes/noise-process.js';
import { createVpProcess } from '../processes/vp-process.js';
import { createDdim } from '../samplers/ddim.js';
import { gaussianDenoiser, marginalStddev } from '../samplers/gaussian-data.spec-support.js';
import type { Denoiser, NoiseSource } from '../samplers/sampler.js';
import { linspace } from '../schedules/beta-schedule.js';
import { guidedDenoiser } from './classifier-free-guidance.js';
import { blockMeanProjection, consistentDenoiser } from './data-consistency.js';
import { gradientGuidedDenoiser } from './gradient-guidance.js';
import { invertDdim, levelsFrom, noisedImage } from './image-start.js';
import { createRepaint } from './repaint.js';

const process = createVpProcess({ betaMin: 0.1, betaMax: 20 });
const DATA = { mean: 0.3, stddev: 0.4 };
const denoiser = gaussianDenoiser(DATA);
const LEVELS: NoiseLevel[] = [...Array.from(linspace(1, 1e-3, 200), (t) => process.level(t)), CLEAN];
const image = Float64Array.of(0.9, -0.2, 0.1, 0.4);

function noiseOf(seed: number, size: number): NoiseSource {
  const random = randomStream(seed, 'conditioning');
  return () => Float64Array.from({ length: size }, () => random.normal());
}

function largestDifference(a: Float64Array, b: Float64Array): number {
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] ?? NaN))), 0);
}

describe('classifier-free guidance', () => {
  const conditional: Denoiser = async (x) => x.map(() => 2);
  const unconditional: Denoiser = async (x) => x.map(() => 5);
  const level = process.level(0.5);

  it('is no guidance at scale 1, no class at scale 0, and goes beyond the class at scale 3', async () => {
    expect(guidedDenoiser(conditional, unconditional, 1)).toBe(conditional);
    expect(guidedDenoiser(conditional, unconditional, 0)).toBe(unconditional);
    // 5 + 3 (2 - 5) = -4
    expect([...(await guidedDenoiser(conditional, unconditional, 3)(Float64Array.of(0), level))]).toEqual([-4]);
  });

  it.each([-1, NaN, Infinity])('refuses the scale %p', (scale) => {
    expect(() => guidedDenoiser(conditional, unconditional, scale)).toThrow(RangeError);
    expect(() => gradientGuidedDenoiser(conditional, conditional, scale)).toThrow(RangeError);
  });
});

describe('guidance by a gradient', () => {
  it('draws from the posterior: Gaussian data seen through Gaussian noise', async () => {
    // y = x_0 + N(0, 0.5²) was measured as 1. p(y | x_t) is Gaussian in x_t with known mean and variance.
    const measured = { value: 1, stddev: 0.5 };
    const gradient: Denoiser = async (x, { alpha, sigma }) => {
      const variance = (alpha * DATA.stddev) ** 2 + sigma ** 2;
      const gain = (alpha * DATA.stddev ** 2) / variance;
      const spread = measured.stddev ** 2 + DATA.stddev ** 2 - gain * alpha * DATA.stddev ** 2;
      return x.map((value) => (gain * (measured.value - DATA.mean - gain * (value - alpha * DATA.mean))) / spread);
    };
    const precision = 1 / DATA.stddev ** 2 + 1 / measured.stddev ** 2;
    const posteriorData = {
      mean: (DATA.mean / DATA.stddev ** 2 + measured.value / measured.stddev ** 2) / precision,
      stddev: Math.sqrt(1 / precision),
    };
    const expected = gaussianDenoiser(posteriorData);
    for (const time of [0.02, 0.3, 0.8]) {
      const level = process.level(time);
      const guided = await gradientGuidedDenoiser(denoiser, gradient, 1)(image, level);
      expect(largestDifference(guided, await expected(image, level))).toBeLessThan(1e-12);
    }
    expect(gradientGuidedDenoiser(denoiser, gradient, 0)).toBe(denoiser);
  });
});

describe('data consistency', () => {
  const shape = { side: 4, factor: 2, channels: 1 };
  const means = Float64Array.of(0.5, -0.25, 0, 1);

  it('makes samples whose blocks have the measured means', async () => {
    const consistent = consistentDenoiser(denoiser, blockMeanProjection(means, shape));
    const noise = noiseOf(3, 16);
    const x = await createDdim()({ denoiser: consistent, process, start: noise(), levels: LEVELS, noise });
    const found = new Float64Array(4);
    x.forEach((value, i) => {
      const block = Math.floor(i / 8) * 2 + Math.floor((i % 4) / 2);
      found[block] = (found[block] ?? 0) + value / 4;
    });
    expect(largestDifference(found, means)).toBeLessThan(1e-9);
  });

  it('changes an image that agrees already in nothing', () => {
    const project = blockMeanProjection(means, shape);
    const once = project(Float64Array.from({ length: 16 }, (_, i) => Math.sin(i)));
    expect(largestDifference(project(once), once)).toBeLessThan(1e-12);
  });

  it('gives the nearest image in the range that has the means, where a shift would leave the range', () => {
    const oneBlock = { side: 2, factor: 2, channels: 1 };
    const [mean, values] = [0.75, Float64Array.of(1, 0.8, -0.2, 0.4)];
    const projected = blockMeanProjection(Float64Array.of(mean), oneBlock)(values);
    // Shifting the last two by 0.4: 1 + 1 + 0.2 + 0.8 = 3.
    expect(largestDifference(projected, Float64Array.of(1, 1, 0.2, 0.8))).toBeLessThan(1e-12);
    expect([...blockMeanProjection(Float64Array.of(-1), oneBlock)(values)]).toEqual([-1, -1, -1, -1]);
  });

  it('refuses means that do not fit the image', () => {
    expect(() => blockMeanProjection(means, { ...shape, side: 5 })).toThrow(RangeError);
    expect(() => blockMeanProjection(Float64Array.of(0, 0, 0, 1.1), shape)).toThrow(/1.1/);
  });
});

describe('starting from an image', () => {
  it('changes it the less, the less noise it enters with', async () => {
    const changes: number[] = [];
    for (const ratio of [0.1, 0.5, 5]) {
      const levels = levelsFrom(LEVELS, ratio);
      const [first = CLEAN] = levels;
      expect(noiseRatio(first)).toBeLessThanOrEqual(ratio);
      const noise = noiseOf(8, image.length);
      const start = noisedImage(image, first, noise());
      const x = await createDdim()({ denoiser, process, start, levels, noise });
      changes.push(largestDifference(x, image));
    }
    expect(changes).toEqual(changes.toSorted((a, b) => a - b));
    expect(changes[0]).toBeLessThan(0.25);
  });

  it('inverts DDIM: the noise found gives the image back, the better the more moves', async () => {
    const errors: number[] = [];
    for (const steps of [200, 800]) {
      const levels = [...Array.from(linspace(1, 1e-3, steps), (t) => process.level(t)), CLEAN];
      const start = await invertDdim({ denoiser, process, start: image, levels });
      const [first = CLEAN] = levels;
      expect(Math.max(...start.map(Math.abs))).toBeLessThan(3 * marginalStddev(DATA, first));
      const again = await createDdim()({ denoiser, process, start, levels, noise: noiseOf(1, image.length) });
      errors.push(largestDifference(again, image));
    }
    const [coarse = NaN, fine = NaN] = errors;
    expect(coarse).toBeLessThan(0.03);
    expect(fine).toBeLessThan(coarse / 2);
  });
});

describe('inpainting', () => {
  const run = (mask: number[], resamples = 1): Promise<Float64Array> => {
    const noise = noiseOf(5, image.length);
    const sampler = createRepaint({ known: image, mask: Float64Array.from(mask), resamples });
    return sampler({ denoiser, process, start: noise(), levels: LEVELS, noise });
  };

  it('leaves the image untouched under a mask of ones', async () => {
    expect(await run([1, 1, 1, 1])).toEqual(image);
  });

  it('keeps known pixels and makes the others, with and without resampling', async () => {
    for (const resamples of [1, 3]) {
      const x = await run([1, 0, 1, 0], resamples);
      expect([x[0], x[2]]).toEqual([image[0], image[2]]);
      expect(x[1]).not.toBeCloseTo(image[1] ?? NaN, 3);
      expect(Math.abs((x[1] ?? NaN) - DATA.mean)).toBeLessThan(4 * DATA.stddev);
    }
  });

  it('fills a hole with what belongs to the known part', async () => {
    // Two pixels that are always equal: the estimate of both is that of their mean.
    const equal: Denoiser = async (x, level) => {
      const mean = ((x[0] ?? 0) + (x[1] ?? 0)) / 2;
      const shared = await denoiser(Float64Array.of(mean), { ...level, sigma: level.sigma / Math.SQRT2 });
      return Float64Array.of(shared[0] ?? NaN, shared[0] ?? NaN);
    };
    const sampler = createRepaint({ known: Float64Array.of(0.8, 0), mask: Float64Array.of(1, 0), resamples: 10 });
    const noise = noiseOf(5, 2);
    const x = await sampler({ denoiser: equal, process, start: noise(), levels: LEVELS, noise });
    expect(x[1]).toBeCloseTo(0.8, 1);
  });

  it('refuses a mask of another size and no resamples', () => {
    expect(() => createRepaint({ known: image, mask: Float64Array.of(1) })).toThrow(/mask/);
    expect(() => createRepaint({ known: image, mask: image, resamples: 0 })).toThrow(/resamples/);
  });
});
