import type { Recipe } from '@tributary/protocol/recipe';
import type { RandomStream } from '@tributary/random';
import { noiseRatio, type NoiseLevel, type NoiseProcess } from '../processes/noise-process.js';

/** Draws the noise level of one training example. */
export type NoiseLevelSampler = (random: RandomStream) => NoiseLevel;

/**
 * How training draws noise levels.
 *
 * log-normal: ln(sigma) ~ N(pMean, pStd²), Karras et al. 2022, table 1. uniform: the time, Ho et al. 2020, algorithm 1, and
 * with EDM ln(sigma). importance: density g(t)² / sigma(t)², Song et al. 2021 (maximum likelihood), section 4.4; on the ladder of
 * NCSN that is uniform.
 */
export function noiseLevelSampler(
  process: NoiseProcess,
  { process: settings, objective }: Pick<Recipe, 'process' | 'objective'>,
): NoiseLevelSampler {
  const timeSampling = objective.timeSampling ?? usualTimeSampling(settings.kind, objective.weighting);
  if (settings.kind === 'edm' && timeSampling === 'log-normal') {
    return (random) => process.level(Math.exp(settings.pMean + settings.pStd * random.normal()));
  }
  if (settings.kind === 'edm' || timeSampling === 'importance') return uniformInLogRatio(process);
  const { minTime, maxTime } = process;
  if (process.isDiscrete) return (random) => process.level(random.integer(maxTime + 1));
  return (random) => process.level(minTime + (maxTime - minTime) * random.uniform());
}

function usualTimeSampling(
  kind: Recipe['process']['kind'],
  weighting: Recipe['objective']['weighting'],
): 'uniform' | 'log-normal' | 'importance' {
  if (weighting === 'likelihood' && kind !== 'ncsn') return 'importance';
  return kind === 'edm' ? 'log-normal' : 'uniform';
}

/**
 * For every linear process d ln(sigma² / alpha²) / dt = g² / sigma² (from d sigma²/dt = 2 f sigma² + g², d alpha/dt = f alpha),
 * so that density is uniform in the log ratio.
 */
function uniformInLogRatio(process: NoiseProcess): NoiseLevelSampler {
  const low = Math.log(noiseRatio(process.level(process.minTime)));
  const high = Math.log(noiseRatio(process.level(process.maxTime)));
  return (random) => {
    const level = process.levelAtRatio(Math.exp(low + (high - low) * random.uniform()));
    return process.isDiscrete ? process.level(Math.round(level.time)) : level;
  };
}
