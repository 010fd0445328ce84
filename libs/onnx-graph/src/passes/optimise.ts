import type { Graph } from '../graph/graph.js';
import type { GraphTarget } from '../graph/graph-builder.js';
import { removeDeadCode } from './dead-code.js';
import { fuseBlockedSum } from './fuse-blocked-sum.js';
import { fuseBias } from './fuse-bias.js';
import { fuseResidual } from './fuse-residual.js';
import { fuseSilu } from './fuse-silu.js';
import { fuseSumOfSquares } from './fuse-sum-of-squares.js';
import { halfPrecision } from './half-precision.js';
import { recomputeGates } from './recompute-gates.js';

/** Passes whose operators only ONNX Runtime has. A gate that is computed again leaves the first to its one reader, to be fused. */
const OWN_OPERATORS = [fuseSumOfSquares, recomputeGates, fuseSilu];

/** Every pass in order. Dead code goes first, so that a dead reader does not hinder a fusion, and last. */
export function optimise(graph: Graph, target: GraphTarget): Graph {
  const { device, precision } = target;
  const passes = [
    removeDeadCode,
    fuseBias,
    ...(device === 'any' ? [] : OWN_OPERATORS),
    ...(device === 'cpu' && precision !== 'float16' ? [fuseResidual, fuseBlockedSum] : []),
    ...(precision === 'float16' ? [(wide: Graph) => halfPrecision(wide, target)] : []),
    removeDeadCode,
  ];
  return passes.reduce((current, pass) => pass(current), graph);
}
