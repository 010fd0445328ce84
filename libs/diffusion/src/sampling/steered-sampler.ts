import { consistentDenoiser, type Projection } from '../conditioning/data-consistency.js';
import { gradientGuidedDenoiser, type LogLikelihoodGradient } from '../conditioning/gradient-guidance.js';
import type { Denoiser, Sampler, VarianceDenoiser } from '../samplers/sampler.js';

/** Guidance by a gradient, Dhariwal & Nichol 2021, eq. 14. */
export interface GradientGuide {
  /** ∇_x log p(y | x_t) at a noisy image [height, width, channels]; for one image at a time, so that none depends on its batch. */
  readonly gradient: LogLikelihoodGradient;
  /** Multiplies the gradient; 1 is Bayes' rule, 0 no guidance. */
  readonly scale: number;
}

/** What is known of the images beside the model; it steers every estimate of a clean image. */
export interface Steering {
  readonly guide?: GradientGuide | undefined;
  /** The nearest image that agrees with a measurement (DDNM, Wang et al. 2023); comes after the guide. */
  readonly consistency?: Projection | undefined;
}

/**
 * The sampler on steered estimates; a learned variance stays as the network says it.
 *
 * @throws RangeError, when it runs, for a guide's scale that is negative or not finite and for sizes that differ.
 */
export function steeredTo(sampler: Sampler, { guide, consistency }: Steering): Sampler {
  if (guide === undefined && consistency === undefined) return sampler;
  const steered = (denoiser: Denoiser): Denoiser => {
    const guided = guide === undefined ? denoiser : gradientGuidedDenoiser(denoiser, guide.gradient, guide.scale);
    return consistency === undefined ? guided : consistentDenoiser(guided, consistency);
  };
  return async ({ varianceDenoiser, ...run }) => {
    const image = await sampler({
      ...run,
      denoiser: steered(run.denoiser),
      ...(varianceDenoiser && { varianceDenoiser: withVariance(varianceDenoiser, steered) }),
    });
    // Multistep methods end with a mixture of their last estimates, which need not agree any more.
    return consistency === undefined ? image : consistency(image);
  };
}

function withVariance(network: VarianceDenoiser, steered: (denoiser: Denoiser) => Denoiser): VarianceDenoiser {
  return async (x, level) => {
    let varianceShare: Float64Array = new Float64Array(0);
    const listening: Denoiser = async (y, yLevel) => {
      const found = await network(y, yLevel);
      varianceShare = found.varianceShare;
      return found.denoised;
    };
    const denoised = await steered(listening)(x, level);
    return { denoised, varianceShare };
  };
}
