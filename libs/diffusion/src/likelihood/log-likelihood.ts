import type { NoiseLevel, NoiseProcess } from '../processes/noise-process.js';
import { integrateOde } from '../samplers/runge-kutta.js';

/** The clean-image estimate together with probeᵀ (∂D/∂x) probe, one Hutchinson sample of the trace of its Jacobian. */
export interface ProbedEstimate {
  readonly denoised: Float64Array;
  readonly quadraticForm: number;
}

export type ProbedDenoiser = (x: Float64Array, level: NoiseLevel, probe: Float64Array) => Promise<ProbedEstimate>;

export interface LikelihoodOptions {
  readonly process: NoiseProcess;
  readonly denoiser: ProbedDenoiser;
  /** ±1 each (Rademacher); E[probeᵀ A probe] = tr A, Hutchinson 1990. Independent of the image. */
  readonly probe: Float64Array;
  /** Earliest time; the marginal there stands for the data (Song et al. 2021: 1e-5). */
  readonly fromTime?: number;
  readonly tolerance?: number;
}

export interface Likelihood {
  /** log p(x) in nats. */
  readonly logDensity: number;
  /** Where the flow takes the image. */
  readonly latent: Float64Array;
  /** ∫ ∇·f̃ dt, the change of volume on the way, in nats. */
  readonly volumeChange: number;
}

const EARLIEST_TIME = 1e-5;

/**
 * log p_0(x) by the instantaneous change of variables along the probability-flow ODE, Song et al. 2021, eq. 39-40:
 * log p_0(x(0)) = log p_T(x(T)) + ∫ ∇·f̃(x(t), t) dt, the divergence estimated with one probe.
 *
 * @param image Any layout; as the denoiser takes it.
 */
export async function logLikelihood(image: Float64Array, options: LikelihoodOptions): Promise<Likelihood> {
  const { process, fromTime = EARLIEST_TIME, tolerance = 1e-5 } = options;
  const size = image.length;
  const end = await integrateOde((time, state) => flowWithVolume(options, state, time), {
    from: fromTime,
    to: process.maxTime,
    start: Float64Array.of(...image, 0),
    relativeTolerance: tolerance,
    absoluteTolerance: tolerance,
  });
  const latent = end.slice(0, size);
  const volumeChange = end[size] ?? NaN;
  return { latent, volumeChange, logDensity: gaussianLogDensity(latent, process.priorStddev) + volumeChange };
}

/** dx/dt = f x - ½ g² s with s = (alpha D - x) / sigma², and its divergence as the last element. */
async function flowWithVolume(
  { process, denoiser, probe }: LikelihoodOptions,
  state: Float64Array,
  time: number,
): Promise<Float64Array> {
  const size = state.length - 1;
  const level = process.level(time);
  const x = state.subarray(0, size);
  const { denoised, quadraticForm } = await denoiser(x, level, probe);
  const drift = process.drift(time);
  const scoreFactor = (-0.5 * process.diffusion(time) ** 2) / level.sigma ** 2;
  const slope = new Float64Array(size + 1);
  for (let i = 0; i < size; i++) {
    const value = x[i] ?? 0;
    slope[i] = drift * value + scoreFactor * (level.alpha * (denoised[i] ?? 0) - value);
  }
  slope[size] = drift * size + scoreFactor * (level.alpha * quadraticForm - size);
  return slope;
}

function gaussianLogDensity(x: Float64Array, stddev: number): number {
  let squared = 0;
  for (const value of x) squared += value ** 2;
  return -0.5 * x.length * Math.log(2 * Math.PI * stddev ** 2) - squared / (2 * stddev ** 2);
}

/**
 * Bits per dimension of 8-bit pixels from the log density of images scaled to [-1, 1]: each grey level is 1 / 127.5 wide.
 *
 * @param logDensity Nats of the whole image.
 */
export function bitsPerDimension(logDensity: number, dimensions: number): number {
  return -logDensity / dimensions / Math.LN2 + Math.log2(127.5);
}
