import { copyingShare, nearestDistances } from '@tributary/evaluation';
import { imageValues } from '@tributary/protocol/image-shape';
import type { Recipe } from '@tributary/protocol/recipe';
import { concatenated } from '@tributary/layers/parameters/concatenated';
import { imagesAt, type RealImages } from './real-images.js';
import type { SyntheticImages } from './synthetic-images.js';

const SHOWN = 5;

interface DistanceSummary {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** How near synthetic images come to the images of training patients: 0 is a copy, on the scale -1 to 1. */
export interface NearestTraining {
  readonly synthetic: DistanceSummary;
  /** The same of real images of held-out patients. */
  readonly heldOut: DistanceSummary;
  /** Chance that a synthetic image is nearer than a held-out one: about 0.5 is right, towards 1 the model copies. */
  readonly copying: number;
  /** The nearest synthetic images, to be looked at. */
  readonly closest: readonly { readonly seed: number; readonly class: string; readonly distance: number }[];
}

/** @returns null when the folder's images are of one patient. */
export function nearestTraining(
  recipe: Recipe,
  { dataset, split }: RealImages,
  { images, plans }: SyntheticImages,
): NearestTraining | null {
  if (!split) return null;
  const size = imageValues(recipe.image);
  const train = imagesAt(dataset, split.train, recipe);
  const references = recipe.data.horizontalFlip ? concatenated([train, mirroredRows(train, recipe)]) : train;
  const synthetic = nearestDistances(concatenated(images), references, size);
  const heldOut = nearestDistances(imagesAt(dataset, split.heldOut, recipe), references, size);
  const ascending = [...synthetic.entries()].toSorted(([, a], [, b]) => a - b);
  return {
    synthetic: summaryOf(synthetic),
    heldOut: summaryOf(heldOut),
    copying: copyingShare(synthetic, heldOut),
    closest: ascending.slice(0, SHOWN).map(([index, distance]) => {
      const plan = plans[index];
      return { seed: plan?.seed ?? 0, class: plan?.className ?? '', distance };
    }),
  };
}

function summaryOf(distances: Float64Array): DistanceSummary {
  const sorted = distances.toSorted();
  return { min: sorted[0] ?? 0, median: sorted[Math.floor(sorted.length / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
}

/** Training showed some images with left and right exchanged. */
function mirroredRows(images: Float32Array, { image: { sizePx, channels } }: Recipe): Float32Array {
  const rowLength = sizePx * channels;
  return images.map((_, i) => {
    const inRow = i % rowLength;
    const channel = inRow % channels;
    return images[i - inRow + (rowLength - channels - (inRow - channel)) + channel] ?? 0;
  });
}
