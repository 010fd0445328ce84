import { countReaders, type Graph, type Node, producers, type Value } from '../graph/graph.js';
import { MICROSOFT } from '../graph/graph-builder.js';

/** `x * sigmoid(x)` becomes one operator (QuickGelu with alpha 1) when nothing else reads the sigmoid. */
export function fuseSilu(graph: Graph): Graph {
  const made = producers(graph.nodes);
  const readers = countReaders(graph);
  const isSigmoidOf = (gate: Value | undefined, x: Value | undefined) => {
    if (!gate || readers.get(gate) !== 1) return false;
    const node = made.get(gate);
    return node?.op === 'Sigmoid' && node.inputs[0] === x;
  };
  const nodes = graph.nodes.map((node): Node => {
    const [a, b] = node.inputs;
    if (node.op !== 'Mul' || !(isSigmoidOf(b, a) || isSigmoidOf(a, b))) return node;
    const x = isSigmoidOf(b, a) ? a : b;
    return { ...node, op: 'QuickGelu', domain: MICROSOFT, inputs: [x], attributes: { alpha: { float: 1 } } };
  });
  return { ...graph, nodes };
}
