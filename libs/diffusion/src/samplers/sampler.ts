import type { NoiseLevel, NoiseProcess } from '../processes/noise-process.js';

/**
 * Estimate of the clean image, E[x_0 | x_t], at one noise level. One image, any layout, values in [-1, 1] when clean.
 */
export type Denoiser = (x: Float64Array, level: NoiseLevel) => Promise<Float64Array>;

/**
 * The same estimate, and where the network has learned it, what it says of the variance of the way back: a share for each value,
 * 0 the smallest and 1 the largest there can be.
 */
export type VarianceDenoiser = (
  x: Float64Array,
  level: NoiseLevel,
) => Promise<{ readonly denoised: Float64Array; readonly varianceShare: Float64Array }>;

/** Fresh standard normals of one image's size; one seeded source an image, so that an image depends on nothing but its seed. */
export type NoiseSource = () => Float64Array;

/** Seen after every step; what it returns goes on. Progress, cancelling (by throwing), and constraints on the image use it. */
export type StepHook = (x: Float64Array, level: NoiseLevel) => Promise<Float64Array> | Float64Array;

/** Everything that a sampler needs for one image. */
export interface SamplerRun {
  readonly denoiser: Denoiser;
  /** For models that have learned the variance; ancestral sampling uses it. */
  readonly varianceDenoiser?: VarianceDenoiser;
  readonly process: NoiseProcess;
  /** The image at `levels[0]`. */
  readonly start: Float64Array;
  /** Nodes from the most noise to the least; the last one is where the image is left. */
  readonly levels: readonly NoiseLevel[];
  readonly noise: NoiseSource;
  readonly afterStep?: StepHook;
}

/** Turns noise into an image. Samplers keep no state between runs; their options are bound when they are created. */
export type Sampler = (run: SamplerRun) => Promise<Float64Array>;

/** One move between two neighbouring nodes. */
export interface SamplerStep {
  readonly x: Float64Array;
  readonly from: NoiseLevel;
  readonly to: NoiseLevel;
  /** Index of `from` in `levels`. */
  readonly index: number;
  readonly run: SamplerRun;
}

/** A sampler that only needs the node it is at and the next one. */
export function singleStepSampler(step: (move: SamplerStep) => Promise<Float64Array>): Sampler {
  return async (run) => {
    let x = run.start;
    for (let index = 0; index + 1 < run.levels.length; index++) {
      const { from, to } = nodesOf(run, index);
      x = await step({ x, from, to, index, run });
      if (run.afterStep) x = await run.afterStep(x, to);
    }
    return x;
  };
}

/** The two ends of move `index`. */
export function nodesOf(run: SamplerRun, index: number): { from: NoiseLevel; to: NoiseLevel } {
  const from = run.levels[index];
  const to = run.levels[index + 1];
  if (!from || !to) throw new RangeError(`no move ${index} between ${run.levels.length} noise levels`);
  return { from, to };
}
