import {
  accumulateMoments,
  diversityRatio,
  frechetDistance,
  kernelDistance,
  type FeatureMoments,
  type Utility,
} from '@tributary/evaluation';
import { createExtractor, type Extractor } from '@tributary/evaluation/extractor';
import { measureSyntheticOnly, measureUtility, type LabelledImages } from '@tributary/evaluation/lesion-utility';
import { volumeFeatures } from '@tributary/evaluation/volume-features';
import type { Spread } from '@tributary/evaluation/scores/spread';
import type { Recipe } from '@tributary/protocol/recipe';
import type { Engine } from '@tributary/tensor';
import { concatenated } from '@tributary/layers/parameters/concatenated';
import { imagesAt, type RealImages } from './real-images.js';
import { isScarce, type SyntheticImages } from './synthetic-images.js';

export interface Distances {
  /** Of the synthetic images to all of the folder. */
  readonly fd: number;
  readonly kid: number;
  /** FD of the folder's training patients to its held-out ones: what a perfect generator could reach; null for one patient. */
  readonly realFd: number | null;
  /** Spread of the synthetic images over that of the real ones. */
  readonly diversity: number;
}

export interface ScoreRequest {
  readonly engine: Engine;
  readonly recipe: Recipe;
  readonly real: RealImages;
  readonly synthetic: SyntheticImages;
}

/** @param count The first images of the synthetic ones, whose classes are as frequent as those of the folder. */
export async function measureDistances(
  { engine, recipe, real, synthetic }: ScoreRequest,
  count: number,
): Promise<Distances> {
  const { image, evaluation } = recipe;
  const shape = { imageSize: image.sizePx, channels: image.channels, seed: evaluation.extractorSeed };
  const extractor = await createExtractor(engine, shape);
  const depth = image.depthPx ?? 1;
  try {
    const momentsAt = (indices: Int32Array): Promise<FeatureMoments> =>
      momentsOf(extractor, imagesAt(real.dataset, indices, recipe), { count: indices.length, depth });
    const all = await momentsAt(Int32Array.from(real.dataset.classIndex.keys()));
    const made = await momentsOf(extractor, concatenated(synthetic.images.slice(0, count)), { count, depth });
    const realFd =
      real.split && frechetDistance(await momentsAt(real.split.train), await momentsAt(real.split.heldOut));
    return {
      fd: frechetDistance(all, made),
      kid: kernelDistance(all, made),
      realFd: realFd ?? null,
      diversity: diversityRatio(made.pooled, all.pooled),
    };
  } finally {
    await extractor.dispose();
  }
}

async function momentsOf(
  extractor: Extractor,
  images: Float32Array,
  counts: { readonly count: number; readonly depth: number },
): Promise<FeatureMoments> {
  const features = await volumeFeatures(extractor, images, counts);
  return accumulateMoments(features, { dimensions: extractor.dimensions, order: 3, extractor: extractor.id });
}

/** What synthetic images are worth to a classifier of the scarce classes, beside real ones and alone. */
export type GeneratorUtility = Utility & { readonly syntheticOnly: Spread | null };

/** @returns null where the recipe names no scarce class, the folder lacks one side, or images are volumes. */
export async function measureGeneratorUtility(
  { engine, recipe, real: { dataset, split }, synthetic }: ScoreRequest,
  trainings: number,
  signal: AbortSignal,
): Promise<GeneratorUtility | null> {
  const { image, seed, evaluation } = recipe;
  if (!split || trainings === 0 || evaluation.scarceClasses.length === 0 || image.depthPx !== undefined) return null;
  const labelOf = (isLesion: boolean): number => (isLesion ? 1 : 0);
  const realAt = (indices: Int32Array): LabelledImages => ({
    images: imagesAt(dataset, indices, recipe),
    isLesion: indices.map((i) => labelOf(isScarce(recipe, dataset.classIndex[i] ?? 0))),
  });
  const common = {
    engine,
    imageSize: image.sizePx,
    channels: image.channels,
    synthetic: {
      images: concatenated(synthetic.images),
      isLesion: Int32Array.from(synthetic.plans, ({ className }) =>
        labelOf(evaluation.scarceClasses.includes(className)),
      ),
    },
    test: realAt(split.heldOut),
    seeds: Array.from({ length: trainings }, (_, index) => seed + index),
    signal,
  };
  const utility = await measureUtility({ ...common, train: realAt(split.train) });
  return utility && { ...utility, syntheticOnly: await measureSyntheticOnly(common) };
}
