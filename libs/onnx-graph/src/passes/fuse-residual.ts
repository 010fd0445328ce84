import { countReaders, type Graph, type Node, producers, type Value } from '../graph/graph.js';
import { MICROSOFT } from '../graph/graph-builder.js';
import { equalShapes } from '../graph/shapes.js';

/** `Add(Conv(x, w, b), z)` becomes one operator (of ONNX Runtime's processor) that adds where it writes, when nothing else reads the convolution. */
export function fuseResidual(graph: Graph): Graph {
  const made = producers(graph.nodes);
  const readers = countReaders(graph);
  const fused = new Set<Node>();
  const fuse = (node: Node, convolved: Value | undefined, z: Value | undefined): Node | undefined => {
    if (!convolved || !z || readers.get(convolved) !== 1 || !equalShapes(convolved.shape, z.shape)) return undefined;
    const convolution = made.get(convolved);
    if (convolution?.op !== 'Conv' || convolution.domain !== '') return undefined;
    fused.add(convolution);
    const [x, weight, bias] = convolution.inputs;
    const { attributes } = convolution;
    return { ...node, op: 'FusedConv', domain: MICROSOFT, inputs: [x, weight, bias, z], attributes };
  };
  const nodes = graph.nodes.map((node) => {
    const [a, b] = node.op === 'Add' ? node.inputs : [];
    return fuse(node, a, b) ?? fuse(node, b, a) ?? node;
  });
  return { ...graph, nodes: nodes.filter((node) => !fused.has(node)) };
}
