export { GraphBuilder, type GraphTarget, MICROSOFT, NCHWC, type Precision } from './graph/graph-builder.js';
export type { AttributeMap, ElementType, Graph, GraphOutput, Node, Value } from './graph/graph.js';
export { estimatePeakBytes } from './graph/peak-memory.js';
export { at, equalShapes, positiveAxis, product, range } from './graph/shapes.js';
export { DATA_TYPE, encodeModel } from './onnx/encode-model.js';
export { removeDeadCode } from './passes/dead-code.js';
export { halfPrecision } from './passes/half-precision.js';
export { optimise } from './passes/optimise.js';
export { inRunOrder } from './passes/run-order.js';
