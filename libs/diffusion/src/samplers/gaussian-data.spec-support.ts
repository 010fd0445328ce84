import type { NoiseLevel, NoiseProcess } from '../processes/noise-process.js';
import type { Denoiser, Sampler, SamplerRun, VarianceDenoiser } from './sampler.js';

/** Data whose every pixel is N(mean, stddev²): all about it is known in closed form. */
export interface GaussianData {
  readonly mean: number;
  readonly stddev: number;
}

/** E[x_0 | x_t] = m + alpha s² / (alpha² s² + sigma²) (x_t - alpha m). */
export function gaussianDenoiser({ mean, stddev }: GaussianData): Denoiser {
  return async (x, { alpha, sigma }) => {
    const gain = (alpha * stddev ** 2) / ((alpha * stddev) ** 2 + sigma ** 2);
    return x.map((value) => mean + gain * (value - alpha * mean));
  };
}

/** Where the probability-flow ODE takes `x` from one level to another: it keeps (x - alpha m) / sqrt(alpha² s² + sigma²). */
export function gaussianFlow(data: GaussianData, x: number, [from, to]: readonly [NoiseLevel, NoiseLevel]): number {
  const quantile = (x - from.alpha * data.mean) / marginalStddev(data, from);
  return to.alpha * data.mean + quantile * marginalStddev(data, to);
}

export function marginalStddev({ stddev }: GaussianData, { alpha, sigma }: NoiseLevel): number {
  return Math.hypot(alpha * stddev, sigma);
}

export interface Experiment {
  readonly sampler: Sampler;
  readonly process: NoiseProcess;
  readonly levels: readonly NoiseLevel[];
  readonly denoiser: Denoiser;
  readonly varianceDenoiser?: VarianceDenoiser;
}

/** The end point of one pixel without any noise on the way. */
export function endPoint(experiment: Experiment, start: number): Promise<number> {
  return run(experiment, start, () => 0);
}

/**
 * Mean and standard deviation of the result, exactly: with Gaussian data every sampler is affine in the start and in each noise
 * draw, so a unit change of one of them gives its share of the variance.
 */
export async function resultMoments(
  experiment: Experiment,
  start: GaussianData,
): Promise<{ mean: number; stddev: number }> {
  let draws = 0;
  const mean = await run(experiment, start.mean, () => {
    draws++;
    return 0;
  });
  let variance = ((await run(experiment, start.mean + start.stddev, () => 0)) - mean) ** 2;
  for (let unit = 0; unit < draws; unit++) {
    let draw = 0;
    variance += ((await run(experiment, start.mean, () => (draw++ === unit ? 1 : 0))) - mean) ** 2;
  }
  return { mean, stddev: Math.sqrt(variance) };
}

async function run({ sampler, ...given }: Experiment, start: number, draw: () => number): Promise<number> {
  const request: SamplerRun = { ...given, start: Float64Array.of(start), noise: () => Float64Array.of(draw()) };
  return (await sampler(request))[0] ?? NaN;
}

/** 2-Wasserstein distance of two Gaussians on a line, Givens & Shortt 1984. */
export function wasserstein(a: GaussianData, b: GaussianData): number {
  return Math.hypot(a.mean - b.mean, a.stddev - b.stddev);
}

/** Order of convergence from the errors with n and 2n steps. */
export function observedOrder(error: number, halvedError: number): number {
  return Math.log2(error / halvedError);
}
