import { registerGradient } from '@tensorflow/tfjs-core';
import { attentionKernels } from './layers/attention-kernels.js';
import { groupNormKernels } from './layers/group-norm-kernels.js';
import { layerNormKernels } from './layers/layer-norm-kernels.js';
import { siluKernels } from './layers/silu-kernels.js';
import type { RecordedKernel } from './kernel.js';
import { arithmeticKernels } from './arithmetic.js';
import { comparisonKernels } from './comparison.js';
import { convolutionKernels } from './convolution/convolution.js';
import { gatheringKernels } from './gathering.js';
import { joiningKernels } from './joining.js';
import { matrixProductKernels } from './matrix-product.js';
import { paddingKernels } from './padding.js';
import { perExampleConvolutionKernels } from './convolution/per-example-convolution.js';
import { poolingKernels } from './pooling.js';
import { randomKernels } from './random.js';
import { reductionKernels } from './reduction.js';
import { resizingKernels } from './resizing.js';
import { shapeKernels } from './shape.js';
import { trigonometryKernels } from './trigonometry.js';

/** Every kernel that can be recorded, by family; docs/ref-engine.md shows this table. */
export const KERNEL_FAMILIES: Readonly<Record<string, readonly RecordedKernel[]>> = {
  arithmetic: arithmeticKernels,
  trigonometry: trigonometryKernels,
  comparison: comparisonKernels,
  shape: shapeKernels,
  'joining and cutting': joiningKernels,
  padding: paddingKernels,
  gathering: gatheringKernels,
  reduction: reductionKernels,
  'matrix product': matrixProductKernels,
  convolution: convolutionKernels,
  pooling: poolingKernels,
  resizing: resizingKernels,
  random: randomKernels,
  layers: [
    ...perExampleConvolutionKernels,
    ...siluKernels,
    ...groupNormKernels,
    ...layerNormKernels,
    ...attentionKernels,
  ],
};

/** The same as one list. A kernel that is not here fails at record time, by name. */
export const KERNEL_TABLE: readonly RecordedKernel[] = Object.values(KERNEL_FAMILIES).flat();

/** Tells tfjs the gradients of the layers' own kernels, for every backend that has them. Idempotent. */
export function registerLayerGradients(): void {
  for (const { name, gradient } of KERNEL_TABLE) if (gradient) registerGradient({ kernelName: name, ...gradient });
}
