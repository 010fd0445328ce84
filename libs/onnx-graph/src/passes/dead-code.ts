import type { Graph, Node, Value } from '../graph/graph.js';

/** Keeps only the nodes that an output needs. */
export function removeDeadCode(graph: Graph): Graph {
  const needed = new Set<Value | undefined>(graph.outputs.map((output) => output.value));
  const live: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    live.push(node);
    for (const input of node.inputs) needed.add(input);
  }
  return { ...graph, nodes: live.reverse() };
}
