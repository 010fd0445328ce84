import { lowResolution, type ImageEdit, type Projection } from '@tributary/diffusion';
import type { Recipe } from '@tributary/protocol/recipe';
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { GenerateOptions } from './generate-request.js';
import { readInputPicture, readInputPictures, refusedInput } from './input-pictures.js';
import { readSuperResolution } from './super-resolution.js';

/** Images that generation starts from or goes by. */
export interface GenerateInputs {
  readonly edit?: ImageEdit;
  /** One for each image to make. */
  readonly conditions?: readonly Float32Array[];
  /** What every image must agree with. */
  readonly consistency?: Projection;
}

export interface InputRequest {
  readonly options: Pick<
    GenerateOptions,
    'from' | 'strength' | 'mask' | 'resamples' | 'invert' | 'fromClass' | 'condition' | 'superResolve'
  >;
  readonly recipe: Recipe;
  readonly cwd: string;
  /** Images to make. */
  readonly count: number;
  /** Tells a person what was done to the files. */
  readonly note: (line: string) => void;
}

/**
 * Reads the files that the flags name.
 *
 * @throws TributaryError USAGE_INVALID for a flag that needs another one, that the model has no use for, or a file that is no image.
 */
export async function readInputs(request: InputRequest): Promise<GenerateInputs> {
  const { options } = request;
  if (options.from === undefined) {
    for (const flag of ['strength', 'mask', 'invert'] as const) {
      if (options[flag] !== undefined) throw refusedInput('--from', `an image, because --${flag} is given`);
    }
  }
  if (options.invert !== true && options.fromClass !== undefined)
    throw refusedInput('--invert', 'given too, because --from-class is');
  if (options.invert === true && options.mask !== undefined) throw refusedInput('--mask', 'left out with --invert');
  if (options.resamples !== undefined && options.mask === undefined)
    throw refusedInput('--mask', 'an image, because --resamples is given');
  refuseUnlessImages(request);
  const conditions = await readConditions(request);
  const edit = await readEdit(request);
  const consistency = await readConsistency(request);
  return { ...(edit && { edit }), ...(conditions && { conditions }), ...(consistency && { consistency }) };
}

function refuseUnlessImages({ options, recipe }: InputRequest): void {
  if (recipe.image.depthPx === undefined) return;
  const { from, condition, superResolve } = options;
  const given = Object.entries({ '--from': from, '--condition': condition, '--super-resolve': superResolve });
  const [flag] = given.find(([, path]) => path !== undefined) ?? [];
  if (flag !== undefined) throw refusedInput(flag, 'left out: the model makes volumes');
}

function readConsistency(request: InputRequest): Promise<Projection> | undefined {
  const { superResolve, from } = request.options;
  if (superResolve === undefined) return undefined;
  if (from !== undefined) throw refusedInput('--super-resolve', 'left out with --from');
  if (request.recipe.conditioning.image !== undefined)
    throw refusedInput('--super-resolve', 'left out: the model goes by the image of --condition');
  return readSuperResolution(superResolve, request);
}

async function readEdit(request: InputRequest): Promise<ImageEdit | undefined> {
  const { options, recipe } = request;
  const { from, strength, mask, resamples } = options;
  if (from === undefined) return undefined;
  const image = await readInputPicture(from, { ...request, flag: '--from', keepsColours: true });
  const common = { image, ...(strength !== undefined && { strength }) };
  if (options.invert === true) return { ...common, encodedAs: encodingRow(recipe, options.fromClass) };
  if (mask === undefined) return common;
  const shown = await readInputPicture(mask, { ...request, flag: '--mask', keepsColours: false });
  // White is made anew.
  const kept = shown.map((value) => (value > 0 ? 0 : 1));
  return { ...common, mask: kept, ...(resamples !== undefined && { resamples }) };
}

/** The row of the image's own class at the same site; without `--from-class` that of the class that is made. */
function encodingRow({ classes }: Recipe, fromClass: string | undefined): (classRow: number) => number {
  if (fromClass === undefined) return (classRow) => classRow;
  const index = classes.indexOf(fromClass);
  if (index < 0) throw refusedInput('--from-class', `one of ${classes.join(', ')}`);
  return (classRow) => classRow - (classRow % classes.length) + index;
}

async function readConditions(request: InputRequest): Promise<Float32Array[] | undefined> {
  const { options, recipe, cwd, count } = request;
  const wanted = recipe.conditioning.image;
  if (wanted === undefined) {
    if (options.condition !== undefined)
      throw refusedInput('--condition', 'left out: the model has no image condition');
    return undefined;
  }
  if (wanted.kind === 'given' && wanted.channels !== recipe.image.channels)
    throw refusedInput('--model', `a model whose image condition has ${recipe.image.channels} channels`);
  if (options.condition === undefined)
    throw refusedInput('--condition', 'an image or a folder of them: the model goes by one');
  const files = await filesAt(resolve(cwd, options.condition));
  const pictures = await readInputPictures(files, { ...request, flag: '--condition', keepsColours: true });
  return Array.from({ length: count }, (_, index) => {
    const picture = pictures[index % pictures.length];
    if (picture === undefined) throw refusedInput('--condition', 'a folder with at least one image');
    return wanted.kind === 'low-resolution' ? lowResolution(picture, recipe.image, wanted.factor) : picture;
  });
}

async function filesAt(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return [path];
  const names = await readdir(path);
  return names.toSorted().map((name) => join(path, name));
}
