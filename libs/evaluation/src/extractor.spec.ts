import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import { createExtractor, type Extractor } from './extractor.js';

const imageSize = 16;
const pixels = imageSize ** 2;
const images = new Float32Array(70 * pixels);
randomStream(1, 'test-images').fillNormal(images);

describe('createExtractor', () => {
  let engine: Engine;
  let extractor: Extractor;

  beforeAll(async () => {
    engine = await openEngine({ name: 'onnx', threads: 1 });
    extractor = await createExtractor(engine, { imageSize, channels: 1, seed: 5 });
  });

  afterAll(async () => {
    await extractor.dispose();
    await engine.dispose();
  });

  it('gives 64 finite features an image', async () => {
    const features = await extractor.features(images, 70);
    expect(extractor.dimensions).toBe(64);
    expect(features).toHaveLength(70 * 64);
    expect(features.every(Number.isFinite)).toBe(true);
    expect(new Set(features).size).toBeGreaterThan(70 * 60);
  });

  it('gives an image the same bits alone, anywhere in a batch, and after another batch', async () => {
    const together = await extractor.features(images, 70);
    for (const image of [0, 31, 32, 69]) {
      const alone = await extractor.features(images.slice(image * pixels, (image + 1) * pixels), 1);
      expect(alone).toEqual(together.slice(image * 64, (image + 1) * 64));
    }
  });

  it('gives the same bits from a second extractor of the same seed and others from another seed', async () => {
    const twin = await createExtractor(engine, { imageSize, channels: 1, seed: 5 });
    const other = await createExtractor(engine, { imageSize, channels: 1, seed: 6 });
    const expected = await extractor.features(images, 3 + 67);
    expect(await twin.features(images, 70)).toEqual(expected);
    expect(twin.id).toBe(extractor.id);
    expect(await other.features(images, 70)).not.toEqual(expected);
    expect(other.id).not.toBe(extractor.id);
    await twin.dispose();
    await other.dispose();
  });

  it('lets calls at the same time take turns, and goes on after one that failed', async () => {
    const expected = await extractor.features(images, 70);
    const calls = [extractor.features(images, 70), extractor.features(images, 3), extractor.features(images, 70)];
    const [first, refused, last] = await Promise.allSettled(calls);
    expect(first).toEqual({ status: 'fulfilled', value: expected });
    expect(refused?.status).toBe('rejected');
    expect(last).toEqual({ status: 'fulfilled', value: expected });
  });

  it('agrees with the reference engine to rounding', async () => {
    const reference = await openEngine({ name: 'reference' });
    const eager = await createExtractor(reference, { imageSize, channels: 1, seed: 5 });
    const few = images.slice(0, 4 * pixels);
    const expected = await eager.features(few, 4);
    const recorded = await extractor.features(few, 4);
    recorded.forEach((value, at) => expect(value).toBeCloseTo(expected[at] ?? NaN, 4));
    await eager.dispose();
    await reference.dispose();
  });

  it('clips what lies outside the range of images', async () => {
    const black = new Float32Array(pixels).fill(-1);
    const darker = new Float32Array(pixels).fill(-3);
    expect(await extractor.features(darker, 1)).toEqual(await extractor.features(black, 1));
  });

  it('has nothing to say about no images', async () => {
    expect(await extractor.features(new Float32Array(), 0)).toHaveLength(0);
  });

  it('takes colour images and sizes that are no power of two', async () => {
    const colour = await createExtractor(engine, { imageSize: 24, channels: 3, seed: 5 });
    const features = await colour.features(new Float32Array(24 * 24 * 3).fill(0.5), 1);
    expect(features).toHaveLength(colour.dimensions);
    expect(features.some((value) => value !== 0)).toBe(true);
    await colour.dispose();
  });

  it('refuses images of another length and sizes below 8 pixels', async () => {
    await expect(extractor.features(images, 69)).rejects.toThrow(RangeError);
    await expect(createExtractor(engine, { imageSize: 7, channels: 1, seed: 5 })).rejects.toThrow('8 pixels');
  });
});
