import type { NoiseLevel, NoiseProcess } from './noise-process.js';
import type { SigmaRange } from '../schedules/sigma-schedule.js';

/**
 * The process of Karras et al. 2022: alpha = 1, time = sigma, dx = sqrt(2 sigma) dw.
 *
 * @param range Noise levels between which samplers move (paper: 0.002 to 80).
 */
export function createEdmProcess(range: SigmaRange): NoiseProcess {
  const level = (sigma: number): NoiseLevel => ({ time: sigma, alpha: 1, sigma });
  return {
    kind: 'edm',
    isDiscrete: false,
    minTime: range.sigmaMin,
    maxTime: range.sigmaMax,
    priorStddev: range.sigmaMax,
    level,
    levelAtRatio: level,
    drift: () => 0,
    diffusion: (sigma) => Math.sqrt(2 * sigma),
  };
}
