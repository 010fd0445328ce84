import { pictureShape, readPicture, type PictureShape } from '@tributary/imaging';
import { TributaryError } from '@tributary/protocol/errors';
import type { Recipe } from '@tributary/protocol/recipe';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

/** Where the files are, which flag named them, and whom to tell what was done to them. */
export interface PictureRequest {
  readonly flag: string;
  readonly cwd: string;
  readonly recipe: Pick<Recipe, 'image' | 'data'>;
  /** False for masks, of which only light and dark count. */
  readonly keepsColours: boolean;
  readonly note: (line: string) => void;
}

/**
 * A picture as a model takes it: `[sizePx, sizePx, channels]`, -1 to 1. One of another size is fitted, which is noted.
 *
 * @throws TributaryError USAGE_INVALID naming the flag, for a file that is no image or has colours that the model has not.
 */
export async function readInputPicture(path: string, request: PictureRequest): Promise<Float32Array> {
  const { pixels, shape } = await readOne(path, request);
  if (isFitted(shape, request))
    request.note(`${request.flag}: fitted from ${shape.widthPx} x ${shape.heightPx} px to ${modelSize(request)}`);
  return pixels;
}

/** As `readInputPicture`, for many; how many of them were fitted is noted once. */
export async function readInputPictures(paths: readonly string[], request: PictureRequest): Promise<Float32Array[]> {
  const pictures = await Promise.all(paths.map((path) => readOne(path, request)));
  const fitted = pictures.filter(({ shape }) => isFitted(shape, request)).length;
  if (fitted > 0) request.note(`${request.flag}: ${fitted} of ${paths.length} images fitted to ${modelSize(request)}`);
  return pictures.map(({ pixels }) => pixels);
}

/** A picture that keeps its width and height, where it is square. */
export async function readPictureAtOwnSize(path: string, request: PictureRequest): Promise<ReadPicture> {
  const { shape } = await readOne(path, request);
  const { image, data } = request.recipe;
  return readOne(path, { ...request, recipe: { data, image: { ...image, sizePx: shape.widthPx } } });
}

function isFitted({ widthPx, heightPx }: PictureShape, { recipe }: PictureRequest): boolean {
  return widthPx !== recipe.image.sizePx || heightPx !== recipe.image.sizePx;
}

function modelSize({ recipe }: PictureRequest): string {
  return `the model's ${recipe.image.sizePx} x ${recipe.image.sizePx} px`;
}

/** A file's image as a model takes it, and what it was in the file. */
export interface ReadPicture {
  readonly pixels: Float32Array;
  readonly shape: PictureShape;
}

async function readOne(path: string, { flag, cwd, recipe, keepsColours }: PictureRequest): Promise<ReadPicture> {
  const { shape, pixels } = await decoded(resolve(cwd, path), recipe).catch(() => {
    throw refusedInput(flag, 'a file with one image (PNG, DICOM or NIfTI)');
  });
  // Grey is a colour like others, and files do not tell it from colour; but what a picture means by its colours a grey model cannot see.
  if (keepsColours && shape.channels > recipe.image.channels)
    throw refusedInput(flag, 'a grey image: this one is in colour, the model has 1 channel');
  return { pixels, shape };
}

async function decoded(path: string, { image, data }: PictureRequest['recipe']): Promise<ReadPicture> {
  const bytes = await readFile(path);
  const { sizePx, channels } = image;
  const pixels = await readPicture(bytes, { imageSizePx: sizePx, channels, intensity: data.intensity });
  return { pixels, shape: await pictureShape(bytes) };
}

/** The refusal of a flag, saying what fits. */
export function refusedInput(path: string, expected: string): TributaryError {
  return new TributaryError('USAGE_INVALID', { detail: `${path}: ${expected}`, fields: [{ path, expected }] });
}
