import { accumulateMoments, frechetDistance, kernelDistance } from '@tributary/evaluation';
import { createExtractor } from '@tributary/evaluation/extractor';
import type { Recipe } from '@tributary/protocol/recipe';
import type { Engine } from '@tributary/tensor';
import { grainOf, grainShares, type GrainAnchors } from './grain.js';
import type { ReferenceImages } from './reference-images.js';
import type { AnchorScores } from './verdict.js';

export interface Scores extends AnchorScores {
  /** Kernel distance to held-out images. */
  readonly kid: number;
}

/** Measures images against held-out ones, their mean and noise. */
export interface ImageScorer {
  /** @param images `[count, sizePx, sizePx, 1]` */
  score(images: Float32Array): Promise<Scores>;
  dispose(): Promise<void>;
}

/** Distances with the project's extractor, and the grain of each image. */
export async function createScorer(engine: Engine, recipe: Recipe, anchors: ReferenceImages): Promise<ImageScorer> {
  const { image, evaluation } = recipe;
  const { sizePx, channels } = image;
  const extractor = await createExtractor(engine, { imageSize: sizePx, channels, seed: evaluation.extractorSeed });
  const momentsOf = async (images: Float32Array) => {
    const features = await extractor.features(images, images.length / sizePx ** 2);
    return accumulateMoments(features, { dimensions: extractor.dimensions, order: 3, extractor: extractor.id });
  };
  const [real, mean, noise] = [
    await momentsOf(anchors.heldOut),
    await momentsOf(anchors.mean),
    await momentsOf(anchors.noise),
  ];
  const grains: GrainAnchors = {
    real: medianGrain(anchors.heldOut, sizePx),
    mean: medianGrain(anchors.mean, sizePx),
    noise: medianGrain(anchors.noise, sizePx),
  };
  return {
    score: async (images) => {
      const moments = await momentsOf(images);
      return {
        fd: frechetDistance(moments, real),
        kid: kernelDistance(moments, real),
        fdToMean: frechetDistance(moments, mean),
        fdToNoise: frechetDistance(moments, noise),
        ...grainShares(grainsOf(images, sizePx), grains),
      };
    },
    dispose: () => extractor.dispose(),
  };
}

function grainsOf(images: Float32Array, sizePx: number): number[] {
  const size = sizePx ** 2;
  return Array.from({ length: images.length / size }, (_, i) =>
    grainOf(images.subarray(i * size, (i + 1) * size), sizePx),
  );
}

function medianGrain(images: Float32Array, sizePx: number): number {
  const grains = grainsOf(images, sizePx).toSorted((a, b) => a - b);
  return grains[Math.floor(grains.length / 2)] ?? Number.NaN;
}
