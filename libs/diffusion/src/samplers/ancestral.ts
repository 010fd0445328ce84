import { clip, combine } from './image-arithmetic.js';
import { posterior, type Posterior } from './posterior.js';
import { singleStepSampler, type Sampler, type SamplerStep } from './sampler.js';

export interface AncestralOptions {
  /** `small`: the posterior's variance, right for data of zero variance; `large`: the forward step's, right for unit variance. */
  readonly variance?: 'small' | 'large';
  /** Limits the estimate of the clean image to [-clipRange, clipRange]. */
  readonly clipRange?: number;
}

/**
 * Ancestral sampling, Ho et al. 2020, algorithm 2; no noise is added on the way to the last node when that is clean.
 * A learned variance takes the place of `variance` (Nichol & Dhariwal 2021, eq. 15).
 */
export function createAncestral({ variance = 'small', clipRange }: AncestralOptions = {}): Sampler {
  return singleStepSampler(async (move) => {
    const { x, from, to, run } = move;
    const { denoised: estimate, varianceShare } = await estimateOf(move);
    const denoised = clipRange === undefined ? estimate : clip(estimate, clipRange);
    const q = posterior(from, to);
    const mean = combine([q.factorOfX, x], [q.factorOfDenoised, denoised]);
    if (to.sigma === 0) return mean;
    if (varianceShare) return combine([1, mean], [1, learnedNoise(varianceShare, q, run.noise())]);
    const stddev = Math.sqrt(variance === 'small' ? q.variance : q.forwardVariance);
    return combine([1, mean], [stddev, run.noise()]);
  });
}

async function estimateOf({
  x,
  from,
  run,
}: SamplerStep): Promise<{ readonly denoised: Float64Array; readonly varianceShare?: Float64Array }> {
  return run.varianceDenoiser ? run.varianceDenoiser(x, from) : { denoised: await run.denoiser(x, from) };
}

/** Noise whose log variance lies between those of the posterior and of the forward step, value by value. */
function learnedNoise(
  share: Float64Array,
  { variance, forwardVariance }: Posterior,
  noise: Float64Array,
): Float64Array {
  const [smallest, largest] = [Math.log(variance), Math.log(forwardVariance)];
  return noise.map((z, i) => z * Math.exp(0.5 * (smallest + (share[i] ?? 0) * (largest - smallest))));
}
