import { attentionKernels } from '../layers/attention-kernels.js';
import { groupNormKernels } from '../layers/group-norm-kernels.js';
import { siluKernels } from '../layers/silu.js';
import type { RecordedKernel } from '../recorder/kernel.js';
import { arithmeticKernels } from './arithmetic.js';
import { comparisonKernels } from './comparison.js';
import { convolutionKernels } from './convolution.js';
import { gatheringKernels } from './gathering.js';
import { interpolationKernels } from './interpolation.js';
import { joiningKernels } from './joining.js';
import { matrixProductKernels } from './matrix-product.js';
import { paddingKernels } from './padding.js';
import { poolingKernels } from './pooling.js';
import { reductionKernels } from './reduction.js';
import { resizingKernels } from './resizing.js';
import { shapeKernels } from './shape.js';

/** Every tfjs kernel that can be recorded. A kernel that is not here fails at record time, by name. */
export const KERNEL_TABLE: readonly RecordedKernel[] = [
  ...arithmeticKernels,
  ...comparisonKernels,
  ...shapeKernels,
  ...joiningKernels,
  ...paddingKernels,
  ...gatheringKernels,
  ...reductionKernels,
  ...matrixProductKernels,
  ...convolutionKernels,
  ...poolingKernels,
  ...resizingKernels,
  ...interpolationKernels,
  ...siluKernels,
  ...groupNormKernels,
  ...attentionKernels,
];
