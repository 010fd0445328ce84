import type { SamplerName, SamplerSettings } from '@tributary/protocol/samplers';
import type { ImageEdit } from './image-edit.js';
import type { SamplingProgress } from './sampling-progress.js';
import type { Steering } from './steered-sampler.js';

/** Which images to make, and how. */
export interface GenerateOptions extends Steering {
  /** One image a seed; an integer in [0, 2^32). */
  readonly seeds: readonly number[];
  /** Row of the class embedding for each seed. */
  readonly classRows: Int32Array;
  /** Image condition of each seed, [height, width, conditionChannels], -1 to 1; for models that have one and no others. */
  readonly conditions?: readonly Float32Array[];
  /** Default: that of the recipe's evaluation, with its steps and settings. */
  readonly sampler?: SamplerName;
  /** Default with another sampler: its usual number. */
  readonly steps?: number;
  /** What the sampler leaves to choose. */
  readonly settings?: SamplerSettings;
  /** Classifier-free guidance, Ho & Salimans 2022: 1 means none. */
  readonly guidance?: number;
  /** Start from this image instead of noise; every seed makes its own version. */
  readonly edit?: ImageEdit;
  /** Images that advance together; changes the speed, never an image. Default 16. */
  readonly batchSize?: number;
  readonly onProgress?: (progress: SamplingProgress) => void;
  readonly signal?: AbortSignal;
}
