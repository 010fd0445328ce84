import type { Engine } from '@tributary/tensor';
import type { LabelledImages } from './engine/balanced-batches.js';
import { LesionClassifier } from './engine/lesion-classifier.js';
import { areaUnderCurve } from './scores/area-under-curve.js';
import { spreadOf, type Spread } from './scores/spread.js';
import type { Utility } from './scores/utility.js';

export type { LabelledImages } from './engine/balanced-batches.js';

const DEFAULT_STEPS = 240;

export interface UtilityOptions {
  readonly engine: Engine;
  /** Side of the square images in pixels. */
  readonly imageSize: number;
  readonly channels: number;
  /** Real images of the training patients. */
  readonly train: LabelledImages;
  /**
   * Added to `train` for the second classifier. Give images without lesion too: if only lesions are synthetic, the
   * classifier may learn what makes an image look synthetic instead.
   */
  readonly synthetic: LabelledImages;
  /** Real images of held-out patients. */
  readonly test: LabelledImages;
  /** One training a seed and classifier; the two classifiers of a seed start from the same weights. */
  readonly seeds: readonly number[];
  /** Training steps, 240 unless told. */
  readonly steps?: number;
  readonly signal?: AbortSignal;
  /** Called after each training. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/**
 * What synthetic images are worth: the area under the ROC curve, on real held-out patients, of a lesion classifier trained on real
 * images only, and of one trained on real and synthetic ones with equally many steps.
 * @returns null if it cannot be measured: the real training or the test images lack lesions, or lack images without.
 * @throws RangeError for no seeds or images of another length; the signal's reason when aborted.
 */
export async function measureUtility(options: UtilityOptions): Promise<Utility | null> {
  const { engine, imageSize, channels, train, synthetic, test, steps = DEFAULT_STEPS } = options;
  for (const set of [train, synthetic, test]) checkLength(set, imageSize ** 2 * channels);
  if (options.seeds.length === 0) throw new RangeError('utility needs a seed or more');
  if (!hasBothSides(train) || !hasBothSides(test)) return null;
  const classifier = await LesionClassifier.open(engine, { imageSize, channels, steps });
  try {
    const areas = await trainAll(classifier, options);
    return {
      realOnly: spreadOf(areas.realOnly),
      withSynthetic: spreadOf(areas.withSynthetic),
      trainLesions: lesions(train),
      syntheticLesions: lesions(synthetic),
      testLesions: lesions(test),
      testHealthy: test.isLesion.length - lesions(test),
    };
  } finally {
    await classifier.dispose();
  }
}

/**
 * The area of a classifier that has seen synthetic images alone, on real ones: "train on synthetic, test on real", Esteban,
 * Hyland & Rätsch 2017, section 4.2.
 * @returns null if it cannot be measured: the synthetic or the test images lack lesions, or lack images without.
 * @throws RangeError for no seeds or images of another length; the signal's reason when aborted.
 */
export async function measureSyntheticOnly(options: Omit<UtilityOptions, 'train'>): Promise<Spread | null> {
  const { engine, imageSize, channels, synthetic, test, seeds, steps = DEFAULT_STEPS, signal, onProgress } = options;
  for (const set of [synthetic, test]) checkLength(set, imageSize ** 2 * channels);
  if (seeds.length === 0) throw new RangeError('utility needs a seed or more');
  if (!hasBothSides(synthetic) || !hasBothSides(test)) return null;
  const classifier = await LesionClassifier.open(engine, { imageSize, channels, steps });
  try {
    const areas: number[] = [];
    for (const seed of seeds) {
      signal?.throwIfAborted();
      areas.push(areaUnderCurve(await classifier.trainAndScore(synthetic, test, seed), test.isLesion));
      onProgress?.({ done: areas.length, total: seeds.length });
    }
    return spreadOf(areas);
  } finally {
    await classifier.dispose();
  }
}

async function trainAll(
  classifier: LesionClassifier,
  options: UtilityOptions,
): Promise<{ realOnly: number[]; withSynthetic: number[] }> {
  const { train, synthetic, test, seeds, signal, onProgress } = options;
  const together = joinImages(train, synthetic);
  const areas: { realOnly: number[]; withSynthetic: number[] } = { realOnly: [], withSynthetic: [] };
  let done = 0;
  const areaOf = async (data: LabelledImages, seed: number): Promise<number> => {
    signal?.throwIfAborted();
    const area = areaUnderCurve(await classifier.trainAndScore(data, test, seed), test.isLesion);
    onProgress?.({ done: ++done, total: 2 * seeds.length });
    return area;
  };
  for (const seed of seeds) {
    areas.realOnly.push(await areaOf(train, seed));
    areas.withSynthetic.push(await areaOf(together, seed));
  }
  return areas;
}

function joinImages(a: LabelledImages, b: LabelledImages): LabelledImages {
  const images = new Float32Array(a.images.length + b.images.length);
  images.set(a.images);
  images.set(b.images, a.images.length);
  return { images, isLesion: Int32Array.of(...a.isLesion, ...b.isLesion) };
}

function lesions({ isLesion }: LabelledImages): number {
  return isLesion.reduce((count, label) => count + (label === 1 ? 1 : 0), 0);
}

function hasBothSides(set: LabelledImages): boolean {
  const count = lesions(set);
  return count > 0 && count < set.isLesion.length;
}

function checkLength({ images, isLesion }: LabelledImages, imageLength: number): void {
  if (images.length !== isLesion.length * imageLength) {
    throw new RangeError(`${images.length} values are not ${isLesion.length} images of ${imageLength}`);
  }
}
