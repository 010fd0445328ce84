import { assertHasLikelihood, createLikelihoodEstimator, dequantisedImage } from '@tributary/diffusion';
import { spreadOf } from '@tributary/evaluation/scores/spread';
import { embeddingRow, embeddingRows, type Recipe } from '@tributary/protocol/recipe';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import type { CommandContext } from '../command-context.js';
import { refusedInput } from '../models/generation/input-pictures.js';
import type { Model } from '../models/folder/model-folder.js';
import { Progress } from '../output/progress.js';
import type { EvaluateOptions } from './evaluate-request.js';
import { imagesAt, type RealImages } from './real-images.js';

/** Bits per dimension over some images. */
export interface BitsPerDimension {
  readonly mean: number;
  /** Of the mean; null for one image. */
  readonly standardError: number | null;
  readonly images: number;
}

/** How likely held-out images are under the model; lower is better. */
export interface HeldOutLikelihood extends BitsPerDimension {
  readonly byClass: Readonly<Record<string, BitsPerDimension>>;
  readonly traceSamples: number;
  readonly tolerance: number;
}

type LikelihoodOptions = Pick<
  EvaluateOptions,
  'class' | 'site' | 'likelihood' | 'likelihoodImages' | 'likelihoodTolerance' | 'traceSamples'
>;

const DEFAULT_TOLERANCE = 1e-4;

/**
 * Refuses a likelihood that cannot be measured, before anything else is.
 *
 * @throws TributaryError RECIPE_INCOMPATIBLE for a model without one, USAGE_INVALID for a flag that needs another one.
 */
export function assertLikelihoodRequest(options: LikelihoodOptions, recipe: Recipe): void {
  const { likelihood, likelihoodImages, likelihoodTolerance, traceSamples } = options;
  if (likelihood === true) {
    assertHasLikelihood(recipe);
    if (recipe.conditioning.site && options.site === undefined)
      throw refusedInput('--site', 'the site whose folder it is: the likelihood under this model goes by it');
  } else if ((likelihoodImages ?? likelihoodTolerance ?? traceSamples) !== undefined)
    throw refusedInput('--likelihood', 'given too, because a flag of it is');
}

interface LikelihoodSources {
  readonly engine: Engine;
  readonly model: Model;
  readonly options: LikelihoodOptions;
  readonly real: RealImages;
}

/** Of the folder's held-out patients, or of all images where they are of one patient; null when there is no such image. */
export async function heldOutLikelihood(
  { output, host }: CommandContext,
  { engine, model: { recipe, siteIds, weights }, options, real }: LikelihoodSources,
): Promise<HeldOutLikelihood | null> {
  const indices = chosenImages(options, recipe, real);
  if (indices.length === 0) return null;
  const { traceSamples = 1, likelihoodTolerance: tolerance = DEFAULT_TOLERANCE } = options;
  const siteIndex = siteOf(options, recipe, siteIds);
  const classes = indices.map((i) => real.dataset.classIndex[i] ?? 0);
  const images = indices.map((i) =>
    dequantisedImage(
      imagesAt(real.dataset, Int32Array.of(i), recipe),
      randomStream(recipe.seed, 'likelihood-grey-levels', i),
    ),
  );
  const progress = new Progress(output, { label: 'Likelihood', total: images.length, unit: 'images' });
  const classRows = embeddingRows(recipe, siteIds.length);
  const estimator = await createLikelihoodEstimator({ engine, recipe, classRows, weights: weights.values });
  try {
    const bits = await estimator.bitsPerDimension({
      images,
      classRows: Int32Array.from(classes, (classIndex) => embeddingRow(recipe, siteIndex, classIndex)),
      seed: recipe.seed,
      tolerance,
      traceSamples,
      signal: host.signal,
      onProgress: ({ imagesDone, imagesTotal, evaluations }) =>
        progress.updateWithin(imagesDone, {
          share: imagesDone / imagesTotal,
          detail: `evaluation ${evaluations}`,
        }),
    });
    progress.finish();
    return { ...summaryOf(bits), byClass: byClass(recipe, classes, bits), traceSamples, tolerance };
  } finally {
    await estimator.dispose();
  }
}

/** Only models that know sites have rows for them; the folder of another one may still be split as that site splits it. */
function siteOf({ site }: LikelihoodOptions, { conditioning }: Recipe, siteIds: readonly string[]): number {
  if (!conditioning.site) return 0;
  const index = siteIds.indexOf(site ?? '');
  if (index < 0) throw refusedInput('--site', `one of ${siteIds.join(', ')}`);
  return index;
}

function chosenImages(
  { class: className, likelihoodImages }: LikelihoodOptions,
  { classes, seed }: Recipe,
  { dataset, split }: RealImages,
): number[] {
  const candidates = [...(split?.heldOut ?? dataset.classIndex.keys())].filter(
    (i) => className === undefined || classes[dataset.classIndex[i] ?? 0] === className,
  );
  if (likelihoodImages === undefined) return candidates;
  const random = randomStream(seed, 'likelihood-images');
  const shuffled = candidates.map((i) => [random.uniform(), i] as const).toSorted(([a], [b]) => a - b);
  return shuffled.slice(0, likelihoodImages).map(([, i]) => i);
}

function byClass(recipe: Recipe, classes: readonly number[], bits: readonly number[]): HeldOutLikelihood['byClass'] {
  const measured = recipe.classes.map((name, index) => [name, bits.filter((_, i) => classes[i] === index)] as const);
  return Object.fromEntries(
    measured.filter(([, ofClass]) => ofClass.length > 0).map(([name, ofClass]) => [name, summaryOf(ofClass)]),
  );
}

/** Mean and its standard error. */
export function summaryOf(bits: readonly number[]): BitsPerDimension {
  const { mean, sd } = spreadOf(bits);
  return { mean, standardError: bits.length > 1 ? sd / Math.sqrt(bits.length) : null, images: bits.length };
}
