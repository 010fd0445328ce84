import type { Recipe } from '@tributary/protocol';
import type { RandomStream } from '@tributary/tensor';
import type { NoiseLevel, NoiseProcess } from '../processes/noise-process.js';

/**
 * Draws the noise level of one training example.
 *
 * EDM: ln(sigma) ~ N(pMean, pStd²), Karras et al. 2022, table 1. DDPM: t uniform on 0 … T - 1, Ho et al. 2020, algorithm 1.
 */
export function drawNoiseLevel(process: NoiseProcess, settings: Recipe['process'], random: RandomStream): NoiseLevel {
  switch (settings.kind) {
    case 'edm':
      return process.level(Math.exp(settings.pMean + settings.pStd * random.normal()));
    case 'ddpm':
      return process.level(random.integer(settings.timesteps));
  }
}
