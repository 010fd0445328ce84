import { TributaryError } from '@tributary/protocol/errors';
import { SAMPLER_NAMES, type SamplerName } from '@tributary/protocol/samplers';
import { z } from 'zod';
import { wholeNumber } from '../../verb-options.js';
import { QUALITY_CASES, type QualityCase } from './quality-cases.js';

export const qualityOptionsSchema = z.object({
  out: z.string().min(1),
  cases: z.string().optional(),
  samplers: z.string().optional(),
  trainSteps: wholeNumber(1, 1_000_000),
  learningRate: z.coerce.number({ error: 'a number from 0 to 1' }).gt(0).max(1),
  channels: z.string().regex(/^\d+(,\d+)*$/, 'whole numbers with commas between them'),
  normGroups: wholeNumber(1, 64),
  imageSize: wholeNumber(8, 256),
  patients: wholeNumber(4, 10_000),
  images: wholeNumber(8, 10_000),
  longest: wholeNumber(1, 10_000),
  seed: wholeNumber(0, 0xffff_ffff),
  threads: wholeNumber(1, 256),
});
export type QualityOptions = z.infer<typeof qualityOptionsSchema>;

/**
 * The cases that were asked for; all when none was named.
 *
 * @throws TributaryError USAGE_INVALID for a name that no case has.
 */
export function chosenCases(names: string | undefined): readonly QualityCase[] {
  const known = QUALITY_CASES.map(({ name }) => name);
  const chosen = chosenNames('--cases', names, known);
  return QUALITY_CASES.filter(({ name }) => chosen.includes(name));
}

/**
 * The samplers that were asked for; all when none was named.
 *
 * @throws TributaryError USAGE_INVALID for a name that no sampler has.
 */
export function chosenSamplers(names: string | undefined): readonly SamplerName[] {
  return chosenNames('--samplers', names, SAMPLER_NAMES);
}

function chosenNames<Name extends string>(
  flag: string,
  names: string | undefined,
  known: readonly Name[],
): readonly Name[] {
  if (names === undefined) return known;
  return names.split(',').map((name) => {
    const found = known.find((each) => each === name);
    if (found === undefined) throw new TributaryError('USAGE_INVALID', { detail: `${flag} takes ${known.join(', ')}` });
    return found;
  });
}
