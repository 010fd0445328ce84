import type { NoiseLevel } from '../processes/noise-process.js';
import { combine } from '../samplers/image-arithmetic.js';
import { posterior } from '../samplers/posterior.js';
import { singleStepSampler, type NoiseSource, type Sampler } from '../samplers/sampler.js';

export interface RepaintOptions {
  /** The image whose masked pixels are kept. */
  readonly known: Float64Array;
  /** 1 where the image is known, 0 where it is made; between them a soft border. */
  readonly mask: Float64Array;
  /** How often each move is made, going back up by noise in between; harmonises both parts (paper: 10). Default 1. */
  readonly resamples?: number;
}

/**
 * Inpainting by ancestral sampling with resampling, RePaint (Lugmayr et al. 2022), algorithm 1.
 *
 * @throws RangeError when sizes differ or `resamples` is not an integer >= 1.
 */
export function createRepaint({ known, mask, resamples = 1 }: RepaintOptions): Sampler {
  if (mask.length !== known.length) throw new RangeError(`the mask has ${mask.length} values, not ${known.length}`);
  if (!Number.isInteger(resamples) || resamples < 1) {
    throw new RangeError(`resamples must be an integer >= 1, got ${resamples}`);
  }
  return singleStepSampler(async ({ x, from, to, run }) => {
    let current = x;
    for (let u = 1; ; u++) {
      const q = posterior(from, to);
      const mean = combine([q.factorOfX, current], [q.factorOfDenoised, await run.denoiser(current, from)]);
      const made = withNoise(mean, Math.sqrt(q.variance), run.noise);
      const kept = withNoise(combine([to.alpha, known]), to.sigma, run.noise);
      const mixed = made.map((value, i) => value + (mask[i] ?? 0) * ((kept[i] ?? 0) - value));
      if (u === resamples || to.sigma === 0) return mixed;
      current = forward(mixed, [to, from], run.noise);
    }
  });
}

/** q(x_t | x_s): back up to more noise. */
function forward(x: Float64Array, [from, to]: readonly [NoiseLevel, NoiseLevel], noise: NoiseSource): Float64Array {
  const scale = to.alpha / from.alpha;
  return withNoise(combine([scale, x]), Math.sqrt(to.sigma ** 2 - (scale * from.sigma) ** 2), noise);
}

function withNoise(image: Float64Array, stddev: number, noise: NoiseSource): Float64Array {
  return stddev > 0 ? combine([1, image], [stddev, noise()]) : image;
}
