import type { Recipe } from '@tributary/protocol/recipe';
import { noiseRatio, signalToNoise, type NoiseLevel, type NoiseProcess } from '../processes/noise-process.js';

/** Weight of the squared error of the clean-image estimate at a noise level; undefined: none on what is predicted. */
export type EstimateWeight = (level: NoiseLevel) => number;

/**
 * The recipe's weighting.
 *
 * min-snr: min(SNR, gamma), Hang et al. 2023, eq. 7. likelihood: g² on the score (Song et al. 2021, maximum likelihood, eq. 7),
 * that is g²/sigma²·SNR on the estimate, divided by its mean over time so that losses stay comparable; with importance sampling
 * the first factor is in the density already.
 *
 * @returns undefined for `simple`: every error of what the network predicts counts the same.
 */
export function estimateWeight(process: NoiseProcess, objective: Recipe['objective']): EstimateWeight | undefined {
  switch (objective.weighting) {
    case 'simple':
      return undefined;
    case 'min-snr':
      return (level) => Math.min(signalToNoise(level), objective.minSnrGamma);
    case 'likelihood': {
      if (objective.timeSampling === 'importance') return signalToNoise;
      const { minTime, maxTime } = process;
      const logRatioRange = Math.log(noiseRatio(process.level(maxTime)) / noiseRatio(process.level(minTime)));
      const meanRate = (2 * logRatioRange) / (maxTime - minTime);
      return (level) => (process.diffusion(level.time) ** 2 / level.sigma ** 2 / meanRate) * signalToNoise(level);
    }
  }
}
