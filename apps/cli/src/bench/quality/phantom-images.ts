import { loadAtlas, readImageFolder, splitByPatient, writePhantomSite } from '@tributary/imaging';
import { embeddingRow, type Recipe } from '@tributary/protocol/recipe';
import { randomStream } from '@tributary/random';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { demoSites } from '../../demo/demo-sites.js';

export const SITE_COUNT = 3;

/** Images with the row of the class embedding of each. */
export interface LabelledImages {
  /** `[count, sizePx, sizePx, 1]`, -1 to 1. */
  readonly images: Float32Array;
  readonly classRows: Int32Array;
}

export interface PhantomImages {
  readonly train: LabelledImages;
  /** Images of patients that training never sees. */
  readonly heldOut: LabelledImages;
}

/** The pooled images of the demo's hospitals, split by patient; written below `directory` the first time. */
export async function phantomImages(directory: string, recipe: Recipe, patients: number): Promise<PhantomImages> {
  const train: LabelledImages[] = [];
  const heldOut: LabelledImages[] = [];
  for (const [siteIndex, site] of demoSites(SITE_COUNT).entries()) {
    const folder = join(directory, `${recipe.image.sizePx}px-${patients}-patients-seed-${recipe.seed}`, site.name);
    if (!(await exists(join(folder, 'labels.csv')))) {
      await writePhantomSite({
        directory: folder,
        site,
        patients,
        imageSizePx: recipe.image.sizePx,
        atlas: await loadAtlas(),
        random: (...path) => randomStream(recipe.seed, 'phantom', ...path),
      });
    }
    const split = await readSplit(folder, recipe, siteIndex);
    train.push(split.train);
    heldOut.push(split.heldOut);
  }
  return { train: joined(train), heldOut: joined(heldOut) };
}

async function readSplit(directory: string, recipe: Recipe, siteIndex: number): Promise<PhantomImages> {
  const { image, data, classes, seed } = recipe;
  const dataset = await readImageFolder({
    directory,
    imageSizePx: image.sizePx,
    channels: image.channels,
    classes,
    intensity: data.intensity,
    onBadFile: 'refuse',
  });
  const { heldOutFraction } = data;
  const split = splitByPatient(dataset, { heldOutFraction, random: randomStream(seed, 'split', siteIndex) });
  const size = image.sizePx ** 2 * image.channels;
  const pick = (indices: Int32Array): LabelledImages => {
    const images = new Float32Array(indices.length * size);
    indices.forEach((index, row) => images.set(dataset.images.subarray(index * size, (index + 1) * size), row * size));
    return {
      images,
      classRows: indices.map((index) => embeddingRow(recipe, siteIndex, dataset.classIndex[index] ?? 0)),
    };
  };
  return { train: pick(split.train), heldOut: pick(split.heldOut) };
}

function joined(parts: readonly LabelledImages[]): LabelledImages {
  return {
    images: Float32Array.from(parts.flatMap(({ images }) => [...images])),
    classRows: Int32Array.from(parts.flatMap(({ classRows }) => [...classRows])),
  };
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
