import { readImageFolder, splitByPatient, type PatientSplit, type SiteDataset } from '@tributary/imaging';
import { TributaryError } from '@tributary/protocol/errors';
import { imageValues } from '@tributary/protocol/image-shape';
import type { Recipe } from '@tributary/protocol/recipe';
import { randomStream } from '@tributary/random';
import type { CommandContext } from '../command-context.js';
import { Progress } from '../output/progress.js';

/** The folder's images as a site reads them. */
export interface RealImages {
  readonly dataset: SiteDataset;
  /** Undefined: the images are of one patient. */
  readonly split: PatientSplit | undefined;
}

export interface RealImagesRequest {
  readonly recipe: Recipe;
  readonly directory: string;
  /** The site that the folder is of: its patients are split as they were for training. */
  readonly site: string | undefined;
}

/** @throws TributaryError as `readImageFolder`. */
export async function readRealImages(
  { output, host }: CommandContext,
  { recipe, directory, site }: RealImagesRequest,
): Promise<RealImages> {
  const { image, classes, data, seed } = recipe;
  const progress = new Progress(output, { label: 'Reading', total: 0, unit: 'files' });
  const dataset = await readImageFolder({
    directory,
    imageSizePx: image.sizePx,
    ...(image.depthPx !== undefined && { depthPx: image.depthPx }),
    channels: image.channels,
    classes,
    intensity: data.intensity,
    onBadFile: data.onBadFile,
    signal: host.signal,
    onProgress: ({ done, total }) => progress.update(done, total),
  });
  progress.finish();
  const random = randomStream(seed, site ?? 'evaluate', 'split');
  return { dataset, split: splitOf(dataset, { heldOutFraction: data.heldOutFraction, random }) };
}

function splitOf(dataset: SiteDataset, options: Parameters<typeof splitByPatient>[1]): PatientSplit | undefined {
  try {
    return splitByPatient(dataset, options);
  } catch (error) {
    if (error instanceof TributaryError && error.code === 'DATA_ALL_IN_ONE_SPLIT') return undefined;
    throw error;
  }
}

/** Images by index, one after the other. */
export function imagesAt({ images }: SiteDataset, indices: Int32Array, { image }: Recipe): Float32Array {
  const size = imageValues(image);
  const chosen = new Float32Array(indices.length * size);
  indices.forEach((index, place) => chosen.set(images.subarray(index * size, (index + 1) * size), place * size));
  return chosen;
}
