import { measureUtility, type LabelledImages, type UtilityOptions } from '@tributary/evaluation/lesion-utility';
import type { Recipe } from '@tributary/protocol';
import type { LocalTrainingParts } from './local-training.js';
import type { SyntheticImages } from './synthetic-images.js';

type UtilityResult = Awaited<ReturnType<typeof measureUtility>>;

/** Class indices of the classes that sites are short of, ascending; none of volumes, which the classifier cannot see. */
export function scarceLabels({ classes, evaluation, image }: Recipe): number[] {
  if (image.depthPx !== undefined) return [];
  return classes.flatMap((name, label) => (evaluation.scarceClasses.includes(name) ? [label] : []));
}

/** `count` labels that go through the scarce classes in turn; none where the recipe names no scarce class. */
export function scarceQuota(recipe: Recipe, count: number): Int32Array {
  const labels = scarceLabels(recipe);
  if (labels.length === 0) return new Int32Array(0);
  return Int32Array.from({ length: count }, (_, place) => labels[place % labels.length] ?? 0);
}

/**
 * What synthetic images of scarce classes are worth to a classifier at this site.
 *
 * @param synthetic Images of the trained model, scarce classes and others.
 * @returns null where the recipe asks for none, or the site lacks one side in its real images.
 */
export async function measureSiteUtility(
  { engine, run, images }: LocalTrainingParts,
  synthetic: readonly SyntheticImages[],
  { signal, onProgress }: Pick<UtilityOptions, 'signal' | 'onProgress'>,
): Promise<UtilityResult> {
  const { image, seed, evaluation } = run.recipe;
  const scarce = new Set(scarceLabels(run.recipe));
  if (scarce.size === 0 || evaluation.utilitySeeds === 0) return null;
  const labelled = (set: SyntheticImages): LabelledImages => ({
    images: set.images,
    isLesion: set.labels.map((label) => (scarce.has(label) ? 1 : 0)),
  });
  const real = (indices: Int32Array): LabelledImages =>
    labelled({ images: images.pixels(indices), labels: images.labels(indices) });
  return measureUtility({
    engine,
    imageSize: image.sizePx,
    channels: image.channels,
    train: real(images.split.train),
    synthetic: labelled(joined(synthetic)),
    test: real(images.split.heldOut),
    seeds: Array.from({ length: evaluation.utilitySeeds }, (_, index) => seed + index),
    signal,
    onProgress,
  });
}

function joined(sets: readonly SyntheticImages[]): SyntheticImages {
  const images = new Float32Array(sets.reduce((length, set) => length + set.images.length, 0));
  let begin = 0;
  for (const set of sets) {
    images.set(set.images, begin);
    begin += set.images.length;
  }
  return { images, labels: Int32Array.from(sets.flatMap(({ labels }) => [...labels])) };
}
