export { convolve } from './convolution/convolution-graph.js';
export {
  CONVOLUTION,
  CONVOLUTION_2D,
  CONVOLUTION_3D,
  type ConvolutionNames,
  CONVOLUTIONS,
} from './convolution/convolution-names.js';
export { EXAMPLE_FILTER_NORMS, WEIGHTED_FILTER_GRADIENT } from './convolution/per-example-convolution.js';
export { einsumLetters } from './einsum-equation.js';
export { interpolationMatrix, type InterpolationRule } from './interpolation-matrix.js';
export { KERNEL_TABLE, registerLayerGradients } from './kernel-table.js';
export type { RecordedKernel } from './kernel.js';
export { ATTENTION, ATTENTION_GRADIENT } from './layers/attention-kernels.js';
export { GROUP_NORM, GROUP_NORM_GRADIENT } from './layers/group-norm-kernels.js';
export { LAYER_NORM } from './layers/layer-norm-kernels.js';
export { SILU, SILU_GRADIENT } from './layers/silu-kernels.js';
export { mirrorIndices } from './padding.js';
export { type PoolAttributes, poolGeometry, windowShares } from './pool-geometry.js';
export { RANDOM_UNIFORM } from './random.js';
export { SELU_ALPHA, SELU_SCALE } from './selu.js';
export { elementType } from './symbolic/element-type.js';
export { cast } from './symbolic/elementwise.js';
export { reshapeSymbolic } from './symbolic/reshape.js';
export { denseInOrder, fill, plain, type Symbolic } from './symbolic/symbolic.js';
export type { ConvolutionGeometry } from './window-geometry.js';
