import { SAMPLER_NAMES, samplerSettingsSchema, type SamplerName } from '@tributary/protocol/samplers';
import { TributaryError } from '@tributary/protocol/errors';
import { fieldsText } from '@tributary/protocol/problem';
import { embeddingRow, type Recipe } from '@tributary/protocol/recipe';
import { z } from 'zod';
import { numberBetween, wholeNumber } from '../../verb-options.js';
import type { Model } from '../folder/model-folder.js';
import { parseSeeds } from './seed-list.js';

const MOST_IMAGES = 1_000_000;
const DEFAULT_COUNT = 16;

/** `LOW,HIGH`: the stored values that black and white stand for. */
const windowSchema = z
  .templateLiteral([z.number(), ',', z.number()], { error: 'two numbers such as -150,250' })
  .transform((text) => text.split(',').map(Number))
  .pipe(z.tuple([z.number(), z.number()]))
  .refine(([low, high]) => low < high, { error: 'a low value and a higher one, such as -150,250' });

export const guidanceSchema = numberBetween(0, 20);

/** `eta=0.5` or `snr=0.2,corrector=annealed`: settings of the sampler. */
export const settingsSchema = z
  .string()
  .transform((text) =>
    Object.fromEntries(
      text.split(',').map((part) => {
        const [name = '', typed = ''] = part.split('=');
        const value = typed.trim();
        return [name.trim(), value === '' || Number.isNaN(Number(value)) ? value : Number(value)];
      }),
    ),
  )
  .pipe(samplerSettingsSchema);

export const generateOptionsSchema = z.object({
  model: z.string().min(1),
  out: z.string().min(1),
  class: z.string().optional(),
  site: z.string().optional(),
  count: wholeNumber(1, MOST_IMAGES).optional(),
  seeds: z.string().optional(),
  sampler: z.string().optional(),
  steps: wholeNumber(1, 10_000).optional(),
  settings: settingsSchema.optional(),
  guidance: guidanceSchema.optional(),
  from: z.string().min(1).optional(),
  strength: numberBetween(0, 1).optional(),
  mask: z.string().min(1).optional(),
  resamples: wholeNumber(1, 100).optional(),
  invert: z.boolean().optional(),
  fromClass: z.string().optional(),
  condition: z.string().min(1).optional(),
  superResolve: z.string().min(1).optional(),
  window: windowSchema.optional(),
  threads: wholeNumber(1, 256),
});
export type GenerateOptions = z.infer<typeof generateOptionsSchema>;

/** One image to make. */
export interface SamplePlan {
  readonly seed: number;
  readonly className: string;
  readonly siteId: string | null;
  readonly classRow: number;
}

/**
 * Which images are made: every seed once, classes and sites in turn unless one was named.
 *
 * @throws TributaryError USAGE_INVALID for a class or site that the model does not have, or more images than seeds.
 */
export function planSamples(
  options: Pick<GenerateOptions, 'seeds' | 'count' | 'class' | 'site'>,
  { recipe, siteIds }: Pick<Model, 'recipe' | 'siteIds'>,
): SamplePlan[] {
  const seeds = options.seeds === undefined ? firstSeeds(options.count ?? DEFAULT_COUNT) : parseSeeds(options.seeds);
  const classes = oneOrAll('--class', options.class, recipe.classes);
  const sites = oneOrAll('--site', options.site, recipe.conditioning.site ? siteIds : []);
  const { count = seeds.length } = options;
  if (count > seeds.length) throw refusedFlag('--count', `at most ${seeds.length}, as many as --seeds names`);
  const chosen = seeds.slice(0, count);
  return chosen.map((seed, index) => {
    const classIndex = classes[index % classes.length] ?? 0;
    const siteIndex = sites[Math.floor(index / classes.length) % Math.max(1, sites.length)] ?? 0;
    return planOf(recipe, siteIds, { seed, classIndex, siteIndex });
  });
}

/** The sampler of that name. */
export function samplerOf(name: string | undefined): SamplerName | undefined {
  if (name === undefined) return undefined;
  const known = SAMPLER_NAMES.find((each) => each === name);
  if (known === undefined)
    throw new TributaryError('SAMPLER_INCOMPATIBLE', { detail: `one of ${SAMPLER_NAMES.join(', ')}` });
  return known;
}

function planOf(
  recipe: Recipe,
  siteIds: readonly string[],
  { seed, classIndex, siteIndex }: { seed: number; classIndex: number; siteIndex: number },
): SamplePlan {
  return {
    seed,
    className: recipe.classes[classIndex] ?? '',
    siteId: recipe.conditioning.site ? (siteIds[siteIndex] ?? null) : null,
    classRow: embeddingRow(recipe, siteIndex, classIndex),
  };
}

function firstSeeds(count: number): number[] {
  return Array.from({ length: count }, (_, seed) => seed);
}

function refusedFlag(path: string, expected: string): TributaryError {
  const fields = [{ path, expected }];
  return new TributaryError('USAGE_INVALID', { detail: fieldsText(fields), fields });
}

function oneOrAll(flag: string, name: string | undefined, known: readonly string[]): number[] {
  if (name === undefined) return known.map((_, index) => index);
  const index = known.indexOf(name);
  if (index >= 0) return [index];
  throw refusedFlag(flag, known.length === 0 ? 'nothing: the model has none' : `one of ${known.join(', ')}`);
}
