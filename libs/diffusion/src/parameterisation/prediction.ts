import type { NoiseLevel } from '../processes/noise-process.js';
import { combine } from '../samplers/image-arithmetic.js';
import type { RawOutput } from './raw-output.js';

/**
 * D(x) = skip·x + output·F(input·x): how a network's raw output F becomes an estimate of the clean image.
 * With EDM these are cSkip, cOut and cIn of Karras et al. 2022, table 1.
 */
export interface Preconditioning {
  readonly input: number;
  readonly skip: number;
  readonly output: number;
}

/**
 * The factors for one noise level.
 *
 * @param sigmaData Standard deviation of training pixels; `edm` alone goes by it.
 * @throws RangeError when sigmaData is not positive.
 */
export function preconditioning(kind: RawOutput, level: NoiseLevel, sigmaData: number): Preconditioning {
  const { alpha, sigma } = level;
  // Keeps the network's input at unit variance when noise is added to an unscaled image; 1 for variance-preserving ones.
  const input = 1 / Math.hypot(alpha, sigma);
  switch (kind) {
    // x_0 = (x - sigma ε) / alpha, Ho et al. 2020, eq. 15
    case 'epsilon':
      return { input, skip: 1 / alpha, output: -sigma / alpha };
    case 'sample':
      return { input, skip: 0, output: 1 };
    // v = (alpha ε - sigma x_0) / √(alpha² + sigma²): Salimans & Ho 2022, appendix D, of the image scaled to alpha² + sigma² = 1
    case 'velocity':
      return { input, skip: alpha * input ** 2, output: -sigma * input };
    case 'edm':
      return edmPreconditioning(level, sigmaData);
  }
}

/** Karras et al. 2022, table 1, for x = alpha (x_0 + σ̂ ε): x̂ = x / alpha is what the paper calls x. */
function edmPreconditioning({ alpha, sigma }: NoiseLevel, sigmaData: number): Preconditioning {
  if (!(sigmaData > 0)) throw new RangeError(`sigmaData must be > 0, got ${sigmaData}`);
  const ratio = sigma / alpha;
  const variance = ratio ** 2 + sigmaData ** 2;
  return {
    input: 1 / (alpha * Math.sqrt(variance)),
    skip: sigmaData ** 2 / (alpha * variance),
    output: (ratio * sigmaData) / Math.sqrt(variance),
  };
}

/** The clean-image estimate of a raw network output. */
export function denoisedFrom(factors: Preconditioning, x: Float64Array, output: Float64Array): Float64Array {
  return combine([factors.skip, x], [factors.output, output]);
}
