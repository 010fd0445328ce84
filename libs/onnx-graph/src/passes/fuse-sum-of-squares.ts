import { countReaders, type Graph, type Node, producers } from '../graph/graph.js';

/** `ReduceSum(x · x)` becomes `ReduceSumSquare(x)` when nothing else reads the squares: they need not be written down. */
export function fuseSumOfSquares(graph: Graph): Graph {
  const made = producers(graph.nodes);
  const readers = countReaders(graph);
  const nodes = graph.nodes.map((node): Node => {
    const [squares, ...axes] = node.inputs;
    const product = squares && made.get(squares);
    if (!squares || node.op !== 'ReduceSum' || product?.op !== 'Mul' || readers.get(squares) !== 1) return node;
    const [a, b] = product.inputs;
    return a === b && squares.type === 'float32' ? { ...node, op: 'ReduceSumSquare', inputs: [a, ...axes] } : node;
  });
  return { ...graph, nodes };
}
