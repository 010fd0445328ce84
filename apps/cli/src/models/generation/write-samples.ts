import { encodePng, fromUnitRange, imageGrid, type IntensityWindow } from '@tributary/imaging';
import { writeNifti } from '@tributary/imaging/nifti/nifti-writer';
import { imageShape } from '@tributary/protocol/image-shape';
import type { Recipe } from '@tributary/protocol/recipe';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWholeFile } from '../../whole-file.js';
import { removeEarlierSamples } from './earlier-samples.js';
import type { SamplePlan } from './generate-request.js';
import { concatenated } from '@tributary/layers/parameters/concatenated';
import { npzOfBytes, npzOfFloats } from './npz-file.js';

const GRID_COLUMNS = 8;

export interface Drawn {
  readonly recipe: Recipe;
  readonly plans: readonly SamplePlan[];
  readonly images: readonly Float32Array[];
  /** What black and white stand for; undefined: nobody knows. */
  readonly window: IntensityWindow | undefined;
}

export interface WrittenSample {
  readonly file: string;
  readonly seed: number;
  readonly class: string;
  readonly site: string | null;
  /** The volume as NIfTI; of grey volumes only. */
  readonly volume?: string;
}

/** Replaces what an earlier call left in the folder: a PNG for each image, `grid.png`, `samples.npz`, `samples.json`, and with a window `values.npz`. */
export async function writeSamples(directory: string, drawn: Drawn): Promise<WrittenSample[]> {
  const { recipe, plans, images, window } = drawn;
  const { sizePx, channels } = recipe.image;
  await mkdir(directory, { recursive: true });
  await removeEarlierSamples(directory);
  const samples: WrittenSample[] = [];
  for (const [index, { seed, className, siteId }] of plans.entries()) {
    const file = `${String(index).padStart(5, '0')}-seed-${seed}.png`;
    const picture = imageGrid({
      images: images[index] ?? new Float32Array(0),
      sizePx,
      channels,
      columns: slicesAcross(recipe),
      gapPx: 0,
    });
    await writeWholeFile(join(directory, file), encodePng(picture));
    const nifti = niftiOf(recipe, images[index] ?? new Float32Array(0));
    const volume = file.replace(/png$/, 'nii.gz');
    if (nifti) await writeWholeFile(join(directory, volume), nifti);
    samples.push({ file, seed, class: className, site: siteId, ...(nifti && { volume }) });
  }
  const all = concatenated(images);
  const columns = recipe.image.depthPx ?? Math.min(GRID_COLUMNS, images.length);
  const grid = imageGrid({ images: all, sizePx, channels, columns, zoom: sizePx < 64 ? 2 : 1 });
  await writeWholeFile(join(directory, 'grid.png'), encodePng(grid));
  const shape = [images.length, ...imageShape(recipe.image)];
  const bytes = Uint8Array.from(all, (value) => Math.round(127.5 * (Math.min(1, Math.max(-1, value)) + 1)));
  await writeWholeFile(join(directory, 'samples.npz'), npzOfBytes(bytes, shape));
  if (window) {
    const values = all.map((value) => fromUnitRange(Math.min(1, Math.max(-1, value)), window));
    await writeWholeFile(join(directory, 'values.npz'), npzOfFloats(values, shape));
  }
  await writeWholeFile(join(directory, 'samples.json'), `${JSON.stringify(samples, null, 2)}\n`);
  return samples;
}

const NIFTI_WHITE = 65_535;

/** -1 is 0 and 1 is 65,535; columns run to the patient's left, rows to the back, slices to the top, all 1 mm apart. */
function niftiOf({ image }: Recipe, volume: Float32Array): Buffer | undefined {
  const { depthPx, sizePx, channels } = image;
  if (depthPx === undefined || channels !== 1) return undefined;
  return writeNifti({
    size: [sizePx, sizePx, depthPx],
    spacingMm: [1, 1, 1],
    affine: [
      [-1, 0, 0, 0],
      [0, -1, 0, 0],
      [0, 0, 1, 0],
    ],
    values: Uint16Array.from(volume, (value) => Math.round(((Math.min(1, Math.max(-1, value)) + 1) / 2) * NIFTI_WHITE)),
    description: 'synthetic volume',
  });
}

/** A volume's slices lie side by side in about a square. */
function slicesAcross({ image }: Recipe): number {
  return Math.ceil(Math.sqrt(image.depthPx ?? 1));
}
