import { countReaders, producers, type Graph, type Node, type Value } from '../graph/graph.js';
import { equalShapes } from '../graph/shapes.js';

/** `Add(Conv(x, w), b)` becomes `Conv(x, w, b)` when nothing else reads the convolution and `b` has one number a channel. */
export function fuseBias(graph: Graph): Graph {
  const made = producers(graph.nodes);
  const readers = countReaders(graph);
  const fuse = (node: Node, convolved: Value | undefined, added: Value | undefined): Node | undefined => {
    const convolution = convolved && made.get(convolved);
    const bias = added && channelVector(added, made);
    const isPlainConv = convolution?.op === 'Conv' && convolution.domain === '' && convolution.inputs.length === 2;
    if (!convolved || !bias || !isPlainConv || readers.get(convolved) !== 1) return undefined;
    if (convolved.shape[1] !== bias.shape[0] || !equalShapes(convolved.shape, node.outputs[0]?.shape ?? []))
      return undefined;
    return { ...convolution, inputs: [...convolution.inputs, bias], outputs: node.outputs };
  };
  const nodes = graph.nodes.map((node) => {
    if (node.op !== 'Add') return node;
    const [a, b] = node.inputs;
    return fuse(node, a, b) ?? fuse(node, b, a) ?? node;
  });
  return { ...graph, nodes };
}

/** The vector [C] behind a value [1, C, 1, …], if there is one. */
function channelVector(value: Value, made: ReadonlyMap<Value, Node>): Value | undefined {
  const isPerChannel = value.shape.length >= 3 && value.shape.every((size, axis) => axis === 1 || size === 1);
  const reshape = made.get(value);
  const source = reshape?.op === 'Reshape' ? reshape.inputs[0] : undefined;
  return isPerChannel && source?.shape.length === 1 ? source : undefined;
}
