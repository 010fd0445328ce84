import { encodePng, imageGrid } from '@tributary/imaging';
import { concatenated } from '@tributary/layers/parameters/concatenated';
import { writeWholeFile } from '../../../whole-file.js';
import type { PlannedCase } from '../quality-cases.js';
import { samplingsOf, type QualityFolder } from '../quality-folder.js';
import type { ReferenceImages } from '../reference-images.js';
import { imagesName } from '../run-case.js';
import { labelledSheet } from './labelled-sheet.js';
import { samplingNames } from './sweep-table.js';

/** Images of each sampling on the sheet. */
const SHOWN = 2;

/** Enough to see grain and few enough for a small file. */
const GREYS = 16;

export interface SheetRequest {
  readonly plan: readonly PlannedCase[];
  readonly references: ReferenceImages;
  readonly sizePx: number;
}

/** `sweep.svg`: a row a training after those of the references, a column a sampling, with the first images of each. */
export async function sweepSheet(folder: QualityFolder, { plan, references, sizePx }: SheetRequest): Promise<void> {
  const columns = samplingNames(plan);
  const cellLength = SHOWN * sizePx ** 2;
  const rowLength = columns.length * cellLength;
  const finished = plan.filter(({ qualityCase }) => samplingsOf(folder.records, qualityCase.name).length > 0);
  const trained = finished.map(async ({ qualityCase: { name } }) => {
    const scored = samplingsOf(folder.records, name);
    const cells = columns.map(async (column) => {
      const record = scored.find((sampling) => sampling.name === column);
      return record ? folder.readFloats(imagesName(name, record)) : new Float32Array(cellLength).fill(-1);
    });
    return concatenated((await Promise.all(cells)).map((images) => images.subarray(0, cellLength)));
  });
  const known = (['heldOut', 'mean', 'noise'] as const).map((name) => repeated(references[name], rowLength));
  const images = inGreys(concatenated([...known, ...(await Promise.all(trained))]));
  const grid = imageGrid({ images, sizePx, channels: 1, columns: SHOWN * columns.length, gapPx: 1 });
  const sheet = labelledSheet({
    png: encodePng(grid),
    widthPx: grid.widthPx,
    heightPx: grid.heightPx,
    columns,
    rows: ['held-out images', 'mean image', 'noise', ...finished.map(({ qualityCase }) => qualityCase.name)],
  });
  await writeWholeFile(folder.pathOf('sweep.svg'), sheet);
}

/** Values from -1 to 1, each the nearest of `GREYS`. */
function inGreys(values: Float32Array): Float32Array {
  const scale = (GREYS - 1) / 2;
  return values.map((value) => Math.round((Math.min(1, Math.max(-1, value)) + 1) * scale) / scale - 1);
}

/** The first `length` values, over and over if there are fewer. */
function repeated(values: Float32Array, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => values[i % values.length] ?? 0);
}
