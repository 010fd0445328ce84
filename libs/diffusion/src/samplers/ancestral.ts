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

/**
 * Noise whose log variance lies between those of the posterior and of the forward step, value by value. They are the least and the
 * largest variance that a right step can have (Nichol & Dhariwal 2021, section 3.1). Training leads beyond the largest where estimates
 * are blurred, as a large variance makes their error likelier; drawn, such noise would tear the image.
 */
function learnedNoise(
  share: Float64Array,
  { variance, forwardVariance }: Posterior,
  noise: Float64Array,
): Float64Array {
  const [smallest, largest] = [Math.log(variance), Math.log(forwardVariance)];
  return noise.map((z, i) => {
    const held = Math.min(1, Math.max(0, share[i] ?? 0));
    return z * Math.exp(0.5 * (smallest + held * (largest - smallest)));
  });
}
