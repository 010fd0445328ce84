import { accumulateMoments, frechetDistance, kernelDistance } from '@tributary/evaluation';
import { createExtractor } from '@tributary/evaluation/extractor';
import type { Recipe } from '@tributary/protocol/recipe';
import type { Engine } from '@tributary/tensor';
import type { LabelledImages } from './phantom-images.js';

export interface Distances {
  readonly fd: number;
  readonly kid: number;
}

/** Measures images against the held-out ones. */
export interface ImageScorer {
  /** @param images `[count, sizePx, sizePx, channels]` */
  score(images: Float32Array): Promise<Distances>;
  dispose(): Promise<void>;
}

/** Frechet and kernel distance with the project's extractor. */
export async function createScorer(engine: Engine, recipe: Recipe, heldOut: LabelledImages): Promise<ImageScorer> {
  const { image, evaluation } = recipe;
  const extractor = await createExtractor(engine, {
    imageSize: image.sizePx,
    channels: image.channels,
    seed: evaluation.extractorSeed,
  });
  const size = image.sizePx ** 2 * image.channels;
  const momentsOf = async (images: Float32Array) => {
    const features = await extractor.features(images, images.length / size);
    return accumulateMoments(features, { dimensions: extractor.dimensions, order: 3, extractor: extractor.id });
  };
  const reference = await momentsOf(heldOut.images);
  return {
    score: async (images) => {
      const moments = await momentsOf(images);
      return { fd: frechetDistance(moments, reference), kid: kernelDistance(moments, reference) };
    },
    dispose: () => extractor.dispose(),
  };
}
