import { clip, combine } from './image-arithmetic.js';
import { posterior } from './posterior.js';
import { singleStepSampler, type Sampler } from './sampler.js';

export interface AncestralOptions {
  /** `small`: the posterior's variance, right for data of zero variance; `large`: the forward step's, right for unit variance. */
  readonly variance?: 'small' | 'large';
  /** Limits the estimate of the clean image to [-clipRange, clipRange]. */
  readonly clipRange?: number;
}

/** Ancestral sampling, Ho et al. 2020, algorithm 2; no noise is added on the way to the last node when that is clean. */
export function createAncestral({ variance = 'small', clipRange }: AncestralOptions = {}): Sampler {
  return singleStepSampler(async ({ x, from, to, run }) => {
    const estimate = await run.denoiser(x, from);
    const denoised = clipRange === undefined ? estimate : clip(estimate, clipRange);
    const q = posterior(from, to);
    const mean = combine([q.factorOfX, x], [q.factorOfDenoised, denoised]);
    if (to.sigma === 0) return mean;
    const stddev = Math.sqrt(variance === 'small' ? q.variance : q.forwardVariance);
    return combine([1, mean], [stddev, run.noise()]);
  });
}
