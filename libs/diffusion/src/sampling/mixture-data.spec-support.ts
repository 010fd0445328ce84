import type { Denoiser } from '../samplers/sampler.js';

/** One Gaussian of a mixture in the plane. */
export interface PlaneMode {
  readonly weight: number;
  readonly mean: readonly [number, number];
  /** xx, xy and yy of its covariance. */
  readonly covariance: readonly [number, number, number];
}

/** Mean and covariance of points in the plane. */
export interface PlaneMoments {
  readonly mean: readonly [number, number];
  readonly covariance: readonly [number, number, number];
}

/**
 * E[x_0 | x_t] of a mixture for an "image" that holds points of the plane one after the other: each mode's posterior mean
 * m + alpha C (alpha² C + sigma² I)^-1 (x - alpha m), weighed by the mode's share of the density at x.
 */
export function mixtureDenoiser(modes: readonly PlaneMode[]): Denoiser {
  return async (x, { alpha, sigma }) => {
    const answers = modes.map((mode) => modeAnswer(mode, alpha, sigma));
    const denoised = new Float64Array(x.length);
    for (let i = 0; i < x.length; i += 2) {
      let [total, sumX, sumY] = [0, 0, 0];
      for (const answer of answers) {
        const { density, meanX, meanY } = answer(x[i] ?? NaN, x[i + 1] ?? NaN);
        total += density;
        sumX += density * meanX;
        sumY += density * meanY;
      }
      denoised[i] = sumX / total;
      denoised[i + 1] = sumY / total;
    }
    return denoised;
  };
}

type ModeAnswer = (x: number, y: number) => { density: number; meanX: number; meanY: number };

function modeAnswer({ weight, mean, covariance: [xx, xy, yy] }: PlaneMode, alpha: number, sigma: number): ModeAnswer {
  const [a, b, d] = [alpha ** 2 * xx + sigma ** 2, alpha ** 2 * xy, alpha ** 2 * yy + sigma ** 2];
  const determinant = a * d - b ** 2;
  return (x, y) => {
    const u = x - alpha * mean[0];
    const v = y - alpha * mean[1];
    const p = (d * u - b * v) / determinant;
    const q = (a * v - b * u) / determinant;
    // A point far outside every mode still belongs to one of them.
    const density = (weight / Math.sqrt(determinant)) * Math.exp(-0.5 * (u * p + v * q)) + Number.MIN_VALUE;
    return { density, meanX: mean[0] + alpha * (xx * p + xy * q), meanY: mean[1] + alpha * (xy * p + yy * q) };
  };
}

/** Of the whole mixture, in closed form. */
export function mixtureMoments(modes: readonly PlaneMode[]): PlaneMoments {
  const sum = (value: (mode: PlaneMode) => number): number =>
    modes.reduce((total, mode) => total + mode.weight * value(mode), 0);
  const [x, y] = [sum(({ mean }) => mean[0]), sum(({ mean }) => mean[1])];
  return {
    mean: [x, y],
    covariance: [
      sum(({ mean, covariance }) => covariance[0] + mean[0] ** 2) - x ** 2,
      sum(({ mean, covariance }) => covariance[1] + mean[0] * mean[1]) - x * y,
      sum(({ mean, covariance }) => covariance[2] + mean[1] ** 2) - y ** 2,
    ],
  };
}

/** Of points one after the other. */
export function sampleMoments(points: Float64Array): PlaneMoments {
  const count = points.length / 2;
  const mean = (value: (x: number, y: number) => number): number => {
    let sum = 0;
    for (let i = 0; i < points.length; i += 2) sum += value(points[i] ?? NaN, points[i + 1] ?? NaN);
    return sum / count;
  };
  const [x, y] = [mean((px) => px), mean((_, py) => py)];
  return {
    mean: [x, y],
    covariance: [mean((px) => (px - x) ** 2), mean((px, py) => (px - x) * (py - y)), mean((_, py) => (py - y) ** 2)],
  };
}
