import type { ProblemKind } from '../folder/image-problem.js';
import type { IntensityRecipe, IntensityWindow } from '../intensity/intensity-window.js';

/** A site's images, ready for training. Nothing in it names a patient or a file. */
export interface SiteDataset {
  /** `[count, imageSizePx, imageSizePx, channels]`, of volumes `[count, depthPx, imageSizePx, imageSizePx, channels]`; −1 to 1. */
  readonly images: Float32Array;
  /** Position of each image's class in `classes`. */
  readonly classIndex: Int32Array;
  /** Images of one patient share a number from 0 to `patients − 1`; the numbers mean nothing else. */
  readonly patientIndex: Int32Array;
  readonly count: number;
  readonly patients: number;
  readonly imageSizePx: number;
  readonly channels: 1 | 3;
  readonly classes: readonly string[];
  /** What was left out, by kind. */
  readonly problems: readonly { readonly kind: ProblemKind; readonly count: number }[];
  /** What was applied; `typicalWindow` (medians over the series) maps generated images back to values of this site. */
  readonly intensity: { readonly recipe: IntensityRecipe; readonly typicalWindow: IntensityWindow };
}
