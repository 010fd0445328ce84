import type { Graph } from '../graph/graph.js';
import { removeDeadCode } from './dead-code.js';
import { fuseBias } from './fuse-bias.js';
import { fuseSilu } from './fuse-silu.js';
import { fuseSumOfSquares } from './fuse-sum-of-squares.js';
import { recomputeGates } from './recompute-gates.js';

/** Every pass in order. Dead code goes first, so that a dead reader does not hinder a fusion, and last. */
export function optimise(graph: Graph): Graph {
  return [removeDeadCode, fuseBias, fuseSilu, fuseSumOfSquares, recomputeGates, removeDeadCode].reduce(
    (current, pass) => pass(current),
    graph,
  );
}
