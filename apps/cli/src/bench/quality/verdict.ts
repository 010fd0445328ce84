/** What a set of images is nearest to. */
export interface AnchorScores {
  /** Frechet distance to held-out images. */
  readonly fd: number;
  /** To copies of the mean image. */
  readonly fdToMean: number;
  /** To white noise. */
  readonly fdToNoise: number;
  /** Share of images with the grain of noise. */
  readonly noisy: number;
  /** Share of images as smooth as the mean image. */
  readonly smooth: number;
}

export type Verdict = 'better' | 'blurred' | 'noise';

/** A sampler that draws noise into more of its images gives noise. */
const NOISY_SHARE = 1 / 8;
/** Most images are smooth. */
const SMOOTH_SHARE = 0.5;

/**
 * noise: nearer to white noise than to held-out images and to their mean, or more than one image in eight has the grain of noise.
 * blurred: nearer to the mean image, or half of the images or more are as smooth. better: neither.
 */
export function verdictOf({ fd, fdToMean, fdToNoise, noisy, smooth }: AnchorScores): Verdict {
  const nearest = Math.min(fd, fdToMean, fdToNoise);
  if (fdToNoise === nearest || noisy > NOISY_SHARE) return 'noise';
  if (fdToMean === nearest || smooth >= SMOOTH_SHARE) return 'blurred';
  return 'better';
}
