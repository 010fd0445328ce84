import { noiseRatio, type NoiseLevel } from '../processes/noise-process.js';
import { clip, combine } from '../samplers/image-arithmetic.js';
import type { Denoiser, Sampler } from '../samplers/sampler.js';

/** How estimates of the clean image are limited. */
export interface EstimateLimit {
  /** Clean images lie in [-range, range]. */
  readonly range: number;
  /** Whether the network's error is multiplied by sigma / alpha on the way to the estimate: its raw output is the noise. */
  readonly isAmplified: boolean;
}

/** The sampler on limited estimates; undefined: on what the network says. */
export function limitedTo(sampler: Sampler, limit: EstimateLimit | undefined): Sampler {
  return (run) => sampler({ ...run, denoiser: limitedDenoiser(run.denoiser, limit) });
}

/** The denoiser with limited estimates. */
export function limitedDenoiser(denoiser: Denoiser, limit: EstimateLimit | undefined): Denoiser {
  if (limit === undefined) return denoiser;
  const { range, isAmplified } = limit;
  return async (x, level) => {
    const estimate = await denoiser(x, level);
    return isAmplified ? limitedEstimate(estimate, { x, level, range }) : clip(estimate, range);
  };
}

/** What an estimate was made from. */
export interface EstimateSource {
  /** The noisy image. */
  readonly x: Float64Array;
  readonly level: NoiseLevel;
  /** Clean images lie in [-range, range]. */
  readonly range: number;
}

/**
 * An estimate D of a clean image, held to what such an estimate can be. Networks whose raw output is the noise have their error
 * multiplied by R = sigma / alpha on the way to D, and a deterministic sampler carries it into the picture.
 *
 * 1. The strength of the image's own noise is fitted to the image (`withFittedNoise`).
 * 2. D is drawn to grey by Wiener's factor signal / (signal + error); its mean square is both, and a signal's is range² at most.
 * 3. D is cut off at ±range: static thresholding, Saharia et al. 2022 (Imagen), section 2.3, and `clip_sample` of diffusers.
 *
 * @param estimate As large as `x`.
 */
export function limitedEstimate(estimate: Float64Array, source: EstimateSource): Float64Array {
  const fitted = withFittedNoise(estimate, source);
  const wiener = Math.min(1, source.range ** 2 / meanSquare(fitted));
  return clip(combine([wiener, fitted]), source.range);
}

/**
 * The noise of an image with n values is stronger or weaker than its level by chance, x̂ = x_0 + R s ε, with a standard deviation
 * of s of 1 / sqrt(2n). Group normalisation hides s, so that D keeps R (s - 1) ε. By least squares of x̂ on the network's
 * ε̂ = (x̂ - D) / R, R s is known up to rms(x_0) / sqrt(n), the chance correlation of image and noise. Both put together by their
 * variances (Gauss-Markov) take the share R² / (R² + 2 ms(x_0)) of ε̂ out of D: nearly all at high noise levels, none at low ones.
 * It takes images for smooth: what is itself white noise, stronger than R, would lose by it.
 */
function withFittedNoise(estimate: Float64Array, { x, level, range }: EstimateSource): Float64Array {
  const ratio = noiseRatio(level);
  const noise = combine([1 / (level.alpha * ratio), x], [-1 / ratio, estimate]);
  const excess = dot(estimate, noise) / dot(noise, noise);
  const share = ratio ** 2 / (ratio ** 2 + 2 * meanSquare(clip(estimate, range)));
  return combine([1, estimate], [-share * excess, noise]);
}

function meanSquare(image: Float64Array): number {
  return dot(image, image) / image.length;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}
