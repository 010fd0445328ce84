import type { Recipe } from '@tributary/protocol/recipe';
import { signalToNoise, type NoiseLevel } from '../processes/noise-process.js';

/** Weight of the squared error of the clean-image estimate at a noise level; undefined: none on what is predicted. */
export type EstimateWeight = (level: NoiseLevel) => number;

/**
 * The recipe's weighting.
 *
 * min-snr: min(SNR, gamma), Hang et al. 2023, eq. 7. likelihood: g² on the score (Song et al. 2021, maximum likelihood, eq. 7), that is
 * g²/sigma²·SNR on the estimate. The first factor is in the density that noise levels are then drawn with (`noiseLevelSampler`), so
 * SNR is left: every error of the noise counts the same.
 *
 * @returns undefined for `simple`: every error of what the network predicts counts the same.
 */
export function estimateWeight(objective: Recipe['objective']): EstimateWeight | undefined {
  switch (objective.weighting) {
    case 'simple':
      return undefined;
    case 'min-snr':
      return (level) => Math.min(signalToNoise(level), objective.minSnrGamma);
    case 'likelihood':
      return signalToNoise;
  }
}
