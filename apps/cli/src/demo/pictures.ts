import { encodePng, imageGrid, readImageFolder, type SiteDataset } from '@tributary/imaging';
import type { Recipe } from '@tributary/protocol/recipe';
import { concatenated } from '@tributary/layers/parameters/concatenated';
import type { ClassComparison, EmbeddedPicture, FilmFrame } from '../report/report-data.js';
import { IMAGES_PER_CELL, type SampleCell } from './film-plan.js';
import type { DrawnImages, Film } from './film-step.js';
import type { SiteImages } from './phantom-step.js';

/** A displayed image is about this wide, whatever its size in pixels. */
const SHOWN_PX = 64;
const BLACK = -1;

/** `samples.png`: a row a site and class, a column an image. */
export function contactSheet(recipe: Recipe, { images }: DrawnImages): Buffer {
  return encodePng(gridOf(recipe, images, { columns: IMAGES_PER_CELL * 2, zoom: zoomOf(recipe) }));
}

/** One picture for each filmed round: a row a class, a column a site. */
export function filmFrames(recipe: Recipe, { frames }: Film, siteCount: number): FilmFrame[] {
  const columns = recipe.conditioning.site ? siteCount : 1;
  return frames.map(({ round, images }) => ({ round, picture: embed(recipe, images, columns) }));
}

/** Real and synthetic images of each class, one row a site. */
export async function classComparisons(
  recipe: Recipe,
  sheet: DrawnImages,
  sites: readonly SiteImages[],
): Promise<ClassComparison[]> {
  const real = await Promise.all(sites.map(({ directory }) => readSite(recipe, directory)));
  const rows = recipe.conditioning.site ? sites.length : 1;
  return recipe.classes.map((className, classIndex) => {
    const chosen = Array.from({ length: rows }, (_, siteIndex) => firstOfClass(recipe, real[siteIndex], classIndex));
    return {
      className,
      real: embed(recipe, concatenated(chosen), IMAGES_PER_CELL),
      synthetic: embed(recipe, cellsOfClass(recipe, sheet, classIndex), IMAGES_PER_CELL),
    };
  });
}

function readSite(recipe: Recipe, directory: string): Promise<SiteDataset> {
  const { image, data, classes } = recipe;
  const { sizePx: imageSizePx, channels } = image;
  return readImageFolder({ directory, imageSizePx, channels, classes, intensity: data.intensity, onBadFile: 'skip' });
}

/** The first images of a class, black where the site has fewer. */
function firstOfClass(recipe: Recipe, dataset: SiteDataset | undefined, classIndex: number): Float32Array {
  const values = valuesPerImage(recipe);
  const chosen = new Float32Array(IMAGES_PER_CELL * values).fill(BLACK);
  if (dataset === undefined) return chosen;
  const found = [...dataset.classIndex.entries()].filter(([, index]) => index === classIndex).slice(0, IMAGES_PER_CELL);
  found.forEach(([position], place) =>
    chosen.set(dataset.images.subarray(position * values, (position + 1) * values), place * values),
  );
  return chosen;
}

function cellsOfClass(recipe: Recipe, { cells, images }: DrawnImages, classIndex: number): Float32Array {
  const values = valuesPerImage(recipe);
  const isOfClass = (cell: SampleCell): boolean => cell.classIndex === classIndex;
  const parts = [...cells.entries()].filter(([, cell]) => isOfClass(cell));
  return concatenated(parts.map(([position]) => images.subarray(position * values, (position + 1) * values)));
}

function valuesPerImage({ image }: Recipe): number {
  return image.sizePx ** 2 * image.channels;
}

function zoomOf({ image }: Recipe): number {
  return Math.max(1, Math.round(SHOWN_PX / image.sizePx));
}

function gridOf(recipe: Recipe, images: Float32Array, { columns, zoom }: { columns: number; zoom: number }) {
  const { sizePx, channels } = recipe.image;
  return imageGrid({ images, sizePx, channels, columns, zoom });
}

function embed(recipe: Recipe, images: Float32Array, columns: number): EmbeddedPicture {
  const picture = gridOf(recipe, images, { columns, zoom: zoomOf(recipe) });
  const uri = `data:image/png;base64,${encodePng(picture).toString('base64')}`;
  return { uri, widthPx: picture.widthPx, heightPx: picture.heightPx };
}
