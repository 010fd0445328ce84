import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import { measureUtility, type LabelledImages, type UtilityOptions } from './lesion-utility.js';

const imageSize = 16;
const pixels = imageSize ** 2;

/** Noise, and in every `lesionEvery`-th image a bright square of 4 x 4 somewhere. */
function drawSet(name: string, count: number, lesionEvery: number): LabelledImages {
  const random = randomStream(8, name);
  const images = Float32Array.from({ length: count * pixels }, () => 0.2 * random.normal() - 0.5);
  const isLesion = Int32Array.from({ length: count }, (_, image) => (image % lesionEvery === 0 ? 1 : 0));
  isLesion.forEach((lesion, image) => {
    const [left, top] = [1 + random.integer(10), 1 + random.integer(10)];
    for (let at = 0; lesion === 1 && at < 16; at++) {
      images[image * pixels + (top + Math.floor(at / 4)) * imageSize + left + (at % 4)] = 0.7;
    }
  });
  return { images, isLesion };
}

const withoutLesions = (set: LabelledImages) => ({ ...set, isLesion: set.isLesion.map(() => 0) });
const mislabelled = (set: LabelledImages) => ({ ...set, isLesion: set.isLesion.map((label) => 1 - label) });

/** Trainings take a second or two; a busy machine may stretch them. */
jest.setTimeout(60_000);

describe('measureUtility', () => {
  let engine: Engine;
  let options: UtilityOptions;

  beforeAll(async () => {
    engine = await openEngine({ name: 'onnx', threads: 1 });
    options = {
      engine,
      imageSize,
      channels: 1,
      train: drawSet('train', 60, 6),
      synthetic: drawSet('synthetic', 40, 2),
      test: drawSet('test', 60, 4),
      seeds: [1],
      steps: 5,
    };
  });

  afterAll(() => engine.dispose());

  it('finds lesions in images that it never saw, and counts what it used', async () => {
    const utility = await measureUtility({ ...options, seeds: [1, 2], steps: 60 });
    expect(utility?.realOnly.mean).toBeGreaterThan(0.9);
    expect(utility?.withSynthetic.mean).toBeGreaterThan(0.9);
    expect(utility?.realOnly.perSeed).toHaveLength(2);
    expect(utility).toMatchObject({ trainLesions: 10, syntheticLesions: 20, testLesions: 15, testHealthy: 45 });
  });

  it('gives the same bits for the same seed', async () => {
    expect(await measureUtility(options)).toEqual(await measureUtility(options));
  });

  it('shows the harm of synthetic images with wrong labels', async () => {
    const utility = await measureUtility({ ...options, steps: 60, synthetic: mislabelled(drawSet('wrong', 200, 2)) });
    expect(utility?.withSynthetic.mean).toBeLessThan((utility?.realOnly.mean ?? 0) - 0.3);
  });

  it('measures nothing where training or test images lack a side', async () => {
    expect(await measureUtility({ ...options, train: withoutLesions(options.train) })).toBeNull();
    expect(await measureUtility({ ...options, test: withoutLesions(options.test) })).toBeNull();
  });

  it('works without any synthetic image, which changes nothing', async () => {
    const none = { images: new Float32Array(), isLesion: new Int32Array() };
    const utility = await measureUtility({ ...options, synthetic: none });
    expect(utility?.withSynthetic).toEqual(utility?.realOnly);
  });

  it('reports each training and stops between trainings when asked', async () => {
    const abort = new AbortController();
    const seen: string[] = [];
    const measuring = measureUtility({
      ...options,
      seeds: [1, 2],
      signal: abort.signal,
      onProgress: ({ done, total }) => {
        seen.push(`${done}/${total}`);
        if (done === 2) abort.abort(new Error('enough'));
      },
    });
    await expect(measuring).rejects.toThrow('enough');
    expect(seen).toEqual(['1/4', '2/4']);
  });

  it('refuses images of another length and no seeds', async () => {
    await expect(measureUtility({ ...options, seeds: [] })).rejects.toThrow(RangeError);
    const cut = { ...options.test, images: options.test.images.subarray(1) };
    await expect(measureUtility({ ...options, test: cut })).rejects.toThrow('60 images');
  });
});
