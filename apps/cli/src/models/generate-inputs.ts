import { lowResolution, type ImageEdit } from '@tributary/diffusion';
import { readPicture } from '@tributary/imaging';
import { TributaryError } from '@tributary/protocol/errors';
import type { Recipe } from '@tributary/protocol/recipe';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { GenerateOptions } from './generate-request.js';

/** Images that generation starts from or goes by. */
export interface GenerateInputs {
  readonly edit?: ImageEdit;
  /** One for each image to make. */
  readonly conditions?: readonly Float32Array[];
}

export interface InputRequest {
  readonly options: Pick<
    GenerateOptions,
    'from' | 'strength' | 'mask' | 'resamples' | 'invert' | 'fromClass' | 'condition'
  >;
  readonly recipe: Recipe;
  readonly cwd: string;
  /** Images to make. */
  readonly count: number;
}

/**
 * Reads the files that the flags name.
 *
 * @throws TributaryError USAGE_INVALID for a flag that needs another one, that the model has no use for, or a file that is no image.
 */
export async function readInputs(request: InputRequest): Promise<GenerateInputs> {
  const { options, recipe } = request;
  if (options.from === undefined) {
    for (const flag of ['strength', 'mask', 'invert'] as const) {
      if (options[flag] !== undefined) throw refused('--from', `an image, because --${flag} is given`);
    }
  }
  if (options.invert !== true && options.fromClass !== undefined)
    throw refused('--invert', 'given too, because --from-class is');
  if (options.invert === true && options.mask !== undefined) throw refused('--mask', 'left out with --invert');
  if (options.resamples !== undefined && options.mask === undefined)
    throw refused('--mask', 'an image, because --resamples is given');
  if ((options.from ?? options.condition) !== undefined && recipe.image.depthPx !== undefined)
    throw refused(options.from === undefined ? '--condition' : '--from', 'left out: the model makes volumes');
  const conditions = await readConditions(request);
  const edit = await readEdit(request);
  return { ...(edit && { edit }), ...(conditions && { conditions }) };
}

async function readEdit({ options, recipe, cwd }: InputRequest): Promise<ImageEdit | undefined> {
  const { from, strength, mask, resamples } = options;
  if (from === undefined) return undefined;
  const image = await pictureOf(resolve(cwd, from), recipe, '--from');
  const common = { image, ...(strength !== undefined && { strength }) };
  if (options.invert === true) return { ...common, encodedAs: encodingRow(recipe, options.fromClass) };
  if (mask === undefined) return common;
  const shown = await pictureOf(resolve(cwd, mask), recipe, '--mask');
  // White is made anew.
  const kept = shown.map((value) => (value > 0 ? 0 : 1));
  return { ...common, mask: kept, ...(resamples !== undefined && { resamples }) };
}

/** The row of the image's own class at the same site; without `--from-class` that of the class that is made. */
function encodingRow({ classes }: Recipe, fromClass: string | undefined): (classRow: number) => number {
  if (fromClass === undefined) return (classRow) => classRow;
  const index = classes.indexOf(fromClass);
  if (index < 0) throw refused('--from-class', `one of ${classes.join(', ')}`);
  return (classRow) => classRow - (classRow % classes.length) + index;
}

async function readConditions({ options, recipe, cwd, count }: InputRequest): Promise<Float32Array[] | undefined> {
  const wanted = recipe.conditioning.image;
  if (wanted === undefined) {
    if (options.condition !== undefined) throw refused('--condition', 'left out: the model has no image condition');
    return undefined;
  }
  if (wanted.kind === 'given' && wanted.channels !== recipe.image.channels)
    throw refused('--model', `a model whose image condition has ${recipe.image.channels} channels`);
  if (options.condition === undefined)
    throw refused('--condition', 'an image or a folder of them: the model goes by one');
  const files = await filesAt(resolve(cwd, options.condition));
  const pictures = await Promise.all(files.map((file) => pictureOf(file, recipe, '--condition')));
  return Array.from({ length: count }, (_, index) => {
    const picture = pictures[index % pictures.length];
    if (picture === undefined) throw refused('--condition', 'a folder with at least one image');
    return wanted.kind === 'low-resolution' ? lowResolution(picture, recipe.image, wanted.factor) : picture;
  });
}

async function filesAt(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return [path];
  const names = await readdir(path);
  return names.toSorted().map((name) => join(path, name));
}

async function pictureOf(path: string, { image, data }: Recipe, flag: string): Promise<Float32Array> {
  try {
    const { sizePx, channels } = image;
    return await readPicture(await readFile(path), { imageSizePx: sizePx, channels, intensity: data.intensity });
  } catch {
    throw refused(flag, 'a file with one image (PNG, DICOM or NIfTI)');
  }
}

function refused(path: string, expected: string): TributaryError {
  return new TributaryError('USAGE_INVALID', { detail: `${path} must be ${expected}`, fields: [{ path, expected }] });
}
