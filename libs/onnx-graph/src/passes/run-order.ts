import { type Graph, type Node, producers } from '../graph/graph.js';

/**
 * Lists nodes so that ONNX Runtime runs them as they were recorded. It walks back from the outputs, and of a node's inputs it
 * takes that one first whose producer stands last in the file: so the file is written backwards. In the order of recording, a
 * weight's gradient follows the gradient that it is made of; in ONNX Runtime's own order, all of those would be kept to the end.
 * A reshape stands with what it reads, because it is often recorded much later.
 */
export function inRunOrder(graph: Graph): Graph {
  const made = producers(graph.nodes);
  const ranks = new Map<Node, number>();
  graph.nodes.forEach((node, index) => {
    const [source] = node.op === 'Reshape' ? node.inputs : [];
    const reshaped = source && made.get(source);
    ranks.set(node, (reshaped && ranks.get(reshaped)) ?? index);
  });
  const rankOf = (node: Node) => ranks.get(node) ?? 0;
  const recorded = graph.nodes.toSorted((a, b) => rankOf(a) - rankOf(b));
  return { ...graph, nodes: recorded.toReversed() };
}
