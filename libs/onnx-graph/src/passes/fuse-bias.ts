import { countReaders, type Graph, type Node, producers, type Value } from '../graph/graph.js';
import { equalShapes } from '../graph/shapes.js';

/** `Add(Conv(x, w), b)` becomes `Conv(x, w, b)` when nothing else reads the convolution and `b` has one number a channel. */
export function fuseBias(graph: Graph): Graph {
  const made = producers(graph.nodes);
  const readers = countReaders(graph);
  const replaced = new Map<Node, readonly Node[]>();
  const fuse = (node: Node, convolved: Value | undefined, added: Value | undefined): boolean => {
    if (!convolved || !added) return false;
    const convolution = made.get(convolved);
    const bias = channelVector(added, made);
    if (!bias || readers.get(convolved) !== 1 || convolved.shape[1] !== bias.shape[0]) return false;
    if (convolution?.op !== 'Conv' || convolution.inputs.length !== 2 || replaced.has(convolution)) return false;
    if (!equalShapes(convolved.shape, node.outputs[0]?.shape ?? [])) return false;
    replaced.set(convolution, []);
    replaced.set(node, [{ ...convolution, inputs: [...convolution.inputs, bias], outputs: node.outputs }]);
    return true;
  };
  for (const node of graph.nodes) {
    const [a, b] = node.op === 'Add' ? node.inputs : [];
    if (!fuse(node, a, b)) fuse(node, b, a);
  }
  return { ...graph, nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? node) };
}

/** The vector [C] behind a value [1, C, 1, …], if there is one. */
function channelVector(value: Value, made: ReadonlyMap<Value, Node>): Value | undefined {
  const isPerChannel = value.shape.length >= 3 && value.shape.every((size, axis) => axis === 1 || size === 1);
  const reshape = made.get(value);
  const source = reshape?.op === 'Reshape' ? reshape.inputs[0] : undefined;
  return isPerChannel && source?.shape.length === 1 ? source : undefined;
}
