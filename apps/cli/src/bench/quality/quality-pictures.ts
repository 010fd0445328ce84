import { encodePng, imageGrid } from '@tributary/imaging';
import type { Recipe } from '@tributary/protocol/recipe';
import { mkdir } from 'node:fs/promises';
import { concatenated } from '@tributary/layers/parameters/concatenated';
import { writeWholeFile } from '../../whole-file.js';
import type { LabelledImages } from './phantom-images.js';
import type { PlannedCase } from './quality-cases.js';
import { samplingsOf, type QualityFolder } from './quality-folder.js';
import { imagesName } from './run-case.js';
import { quickestFirst } from './samplings.js';

const COLUMNS = 12;

export interface PictureRequest {
  readonly recipe: Recipe;
  readonly plan: readonly PlannedCase[];
  readonly heldOut: LabelledImages;
}

/** `pictures/CASE.png`: a row a sampling in the order of the table, a column a seed; and held-out images as `real.png`. */
export async function writePictures(folder: QualityFolder, { recipe, plan, heldOut }: PictureRequest): Promise<void> {
  await mkdir(folder.pathOf('pictures'), { recursive: true });
  const { sizePx, channels } = recipe.image;
  const rowLength = COLUMNS * sizePx ** 2 * channels;
  const write = (name: string, images: Float32Array): Promise<void> =>
    writeWholeFile(
      folder.pathOf('pictures', `${name}.png`),
      encodePng(imageGrid({ images, sizePx, channels, columns: COLUMNS, gapPx: 1 })),
    );
  await write('real', heldOut.images.subarray(0, 4 * rowLength));
  for (const { qualityCase } of plan) {
    const { name } = qualityCase;
    const scored = quickestFirst(samplingsOf(folder.records, name));
    const rows = await Promise.all(scored.map((sampling) => folder.readFloats(imagesName(name, sampling))));
    if (rows.length > 0) await write(name, concatenated(rows.map((images) => images.subarray(0, rowLength))));
  }
}
