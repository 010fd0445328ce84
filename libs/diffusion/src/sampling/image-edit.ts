import { invertDdim, noisedImage } from '../conditioning/image-start.js';
import { createRepaint } from '../conditioning/repaint.js';
import { CLEAN, type NoiseLevel, type NoiseProcess } from '../processes/noise-process.js';
import type { Denoiser, Sampler } from '../samplers/sampler.js';
import { limitedDenoiser, limitedTo } from './limited-estimate.js';
import { steeredTo } from './steered-sampler.js';
import type { SamplingPlan } from './sampling-plan.js';

/** A new version of an image that there is, instead of a new image. */
export interface ImageEdit {
  /** [height, width, channels], -1 to 1. */
  readonly image: Float32Array;
  /**
   * Share of the moves that are made, 0 to 1: 0 leaves the image, 1 (the default with a mask) starts from noise alone. Without a
   * mask: SDEdit, Meng et al. 2022.
   */
  readonly strength?: number;
  /** As large as the image: 1 keeps a value, 0 makes it anew (RePaint, Lugmayr et al. 2022). Moves are ancestral. */
  readonly mask?: Float32Array;
  /** How often a move is made with a mask (paper: 10). */
  readonly resamples?: number;
  /**
   * Row of the class embedding with which the image is encoded, for the row it is made with. The image enters as the noise that
   * gives it (DDIM inversion) instead of with fresh noise; with another class than its own it keeps what both have in common
   * (dual diffusion implicit bridges, Su et al. 2023). Moves are those of DDIM; `strength` is 1 unless told.
   */
  readonly encodedAs?: (classRow: number) => number;
}

/** The sampler, levels and start of an edit. */
export interface EditedPlan {
  readonly sampler: Sampler;
  readonly levels: readonly NoiseLevel[];
  readonly isAdaptive: boolean;
  readonly start: (source: StartSource) => Promise<Float64Array> | Float64Array;
}

/** What one image starts with. */
export interface StartSource {
  /** Standard normals of the image's size. */
  readonly noise: Float64Array;
  readonly classRow: number;
  /** The unguided denoiser of a row of the class embedding. */
  readonly denoiserOf: (classRow: number) => Denoiser;
  readonly process: NoiseProcess;
}

const DEFAULT_STRENGTH = 0.5;
const DEFAULT_RESAMPLES = 5;

/**
 * The part of a plan that an edit runs through.
 *
 * @throws RangeError when the strength is not in [0, 1] or sizes differ.
 */
export function editedPlan(plan: SamplingPlan, edit: ImageEdit | undefined, size: number): EditedPlan {
  const fromNoise = ({ noise }: StartSource): Float64Array => noise.map((value) => value * plan.startStddev);
  if (edit === undefined) return { ...plan, start: fromNoise };
  const { strength = edit.mask || edit.encodedAs ? 1 : DEFAULT_STRENGTH } = edit;
  if (!(strength >= 0 && strength <= 1)) throw new RangeError(`strength must lie in [0, 1], got ${strength}`);
  if (edit.image.length !== size) throw new RangeError(`the image has ${edit.image.length} values, not ${size}`);
  if (edit.mask && edit.encodedAs) throw new RangeError('an image is either encoded or filled in');
  const image = Float64Array.from(edit.image);
  const moves = Math.round(strength * (plan.levels.length - 1));
  const levels = plan.levels.slice(plan.levels.length - 1 - moves);
  const [first = CLEAN] = levels;
  const { encodedAs } = edit;
  if (encodedAs) return { ...plan, levels, start: encoded({ image, levels, encodedAs, plan }) };
  return {
    ...plan,
    sampler: edit.mask ? repaint(plan, image, { ...edit, mask: edit.mask }) : plan.sampler,
    levels,
    start: strength === 1 ? fromNoise : ({ noise }) => noisedImage(image, first, noise),
  };
}

interface Encoding {
  readonly image: Float64Array;
  readonly levels: readonly NoiseLevel[];
  readonly encodedAs: (classRow: number) => number;
  readonly plan: SamplingPlan;
}

function encoded({ image, levels, encodedAs, plan }: Encoding): EditedPlan['start'] {
  return ({ classRow, denoiserOf, process }) =>
    invertDdim({
      denoiser: limitedDenoiser(denoiserOf(encodedAs(classRow)), plan.limit),
      process,
      start: image,
      levels,
    });
}

function repaint(
  { limit, steering }: SamplingPlan,
  known: Float64Array,
  { mask, resamples = DEFAULT_RESAMPLES }: { readonly mask: Float32Array; readonly resamples?: number },
): Sampler {
  if (steering.consistency) throw new RangeError('an image either agrees with a measurement or is filled in');
  return limitedTo(steeredTo(createRepaint({ known, mask: Float64Array.from(mask), resamples }), steering), limit);
}
