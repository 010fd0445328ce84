import { noisedImage } from '../conditioning/image-start.js';
import { createRepaint } from '../conditioning/repaint.js';
import { CLEAN } from '../processes/noise-process.js';
import type { NoiseLevel } from '../processes/noise-process.js';
import type { Sampler } from '../samplers/sampler.js';
import { limitedTo } from './limited-estimate.js';
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
}

/** The sampler, levels and start of an edit. */
export interface EditedPlan {
  readonly sampler: Sampler;
  readonly levels: readonly NoiseLevel[];
  readonly start: (noise: Float64Array) => Float64Array;
}

const DEFAULT_STRENGTH = 0.5;
const DEFAULT_RESAMPLES = 5;

/**
 * The part of a plan that an edit runs through.
 *
 * @throws RangeError when the strength is not in [0, 1] or sizes differ.
 */
export function editedPlan(plan: SamplingPlan, edit: ImageEdit | undefined, size: number): EditedPlan {
  const fromNoise = (noise: Float64Array): Float64Array => noise.map((value) => value * plan.startStddev);
  if (edit === undefined) return { sampler: plan.sampler, levels: plan.levels, start: fromNoise };
  const { strength = edit.mask ? 1 : DEFAULT_STRENGTH } = edit;
  if (!(strength >= 0 && strength <= 1)) throw new RangeError(`strength must lie in [0, 1], got ${strength}`);
  if (edit.image.length !== size) throw new RangeError(`the image has ${edit.image.length} values, not ${size}`);
  const image = Float64Array.from(edit.image);
  const moves = Math.round(strength * (plan.levels.length - 1));
  const levels = plan.levels.slice(plan.levels.length - 1 - moves);
  const [first = CLEAN] = levels;
  return {
    sampler: edit.mask ? repaint(plan, image, { ...edit, mask: edit.mask }) : plan.sampler,
    levels,
    start: strength === 1 ? fromNoise : (noise) => noisedImage(image, first, noise),
  };
}

function repaint(
  { limit }: SamplingPlan,
  known: Float64Array,
  { mask, resamples = DEFAULT_RESAMPLES }: { readonly mask: Float32Array; readonly resamples?: number },
): Sampler {
  return limitedTo(createRepaint({ known, mask: Float64Array.from(mask), resamples }), limit);
}
