import { TributaryError } from '@tributary/protocol/errors';
import { SAMPLER_NAMES } from '@tributary/protocol/samplers';
import { QUALITY_CASES, type PlannedCase } from './quality-cases.js';
import type { QualityOptions } from './quality-options.js';
import { costOf, samplingsFor } from './samplings.js';
import { sweepPlan } from './sweep/sweep-plan.js';

/**
 * The trainings and samplings that were asked for: those of the table, or of the sweep.
 *
 * @throws TributaryError USAGE_INVALID for a name that no training or sampler has, or a pattern that is none.
 */
export function qualityPlan(options: QualityOptions): PlannedCase[] {
  const plan = options.sweep ? sweepPlan(options.sweep, options) : tablePlan();
  const names = plan.map(({ qualityCase }) => qualityCase.name);
  const cases = chosenNames('--cases', options.cases, names);
  const samplers = chosenNames('--samplers', options.samplers, SAMPLER_NAMES);
  const pattern = patternOf(options.only);
  return plan
    .filter(({ qualityCase }) => cases.includes(qualityCase.name))
    .map(({ qualityCase, samplings }) => ({
      qualityCase,
      samplings: samplings.filter(
        (sampling) =>
          samplers.includes(sampling.sampler) &&
          costOf(sampling) <= options.longest &&
          pattern.test(`${qualityCase.name} ${sampling.name}`),
      ),
    }))
    .filter(({ samplings }) => samplings.length > 0);
}

function tablePlan(): PlannedCase[] {
  return QUALITY_CASES.map((qualityCase) => ({ qualityCase, samplings: samplingsFor(qualityCase.process.kind) }));
}

function patternOf(pattern: string | undefined): RegExp {
  try {
    return new RegExp(pattern ?? '');
  } catch {
    throw new TributaryError('USAGE_INVALID', { detail: '--only must be a regular expression' });
  }
}

function chosenNames(flag: string, names: string | undefined, known: readonly string[]): readonly string[] {
  if (names === undefined) return known;
  const chosen = names.split(',');
  if (!chosen.every((name) => known.includes(name)))
    throw new TributaryError('USAGE_INVALID', { detail: `${flag} takes ${known.join(', ')}` });
  return chosen;
}
