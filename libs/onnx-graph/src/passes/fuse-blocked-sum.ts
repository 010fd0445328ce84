import { countReaders, type Graph, type Node, producers, type Value } from '../graph/graph.js';
import { NCHWC } from '../graph/graph-builder.js';
import { equalShapes } from '../graph/shapes.js';

/**
 * `Add(Conv(x, w, b), z)` of blocked images becomes one operator of ONNX Runtime's, when nothing else reads the convolution and
 * nothing reads z afterwards: it adds to z where that lies (and would copy it first if z were still needed). A convolution that adds
 * an image already leaves z to that image's own convolution.
 */
export function fuseBlockedSum(graph: Graph): Graph {
  const made = producers(graph.nodes);
  const readers = countReaders(graph);
  const last = lastReads(graph, made);
  const replaced = new Map<Node, readonly Node[]>();
  const fuse = (sum: Node, convolved: Value | undefined, z: Value | undefined): boolean => {
    if (!convolved || !z || !equalShapes(convolved.shape, z.shape) || last.get(source(z, made)) !== sum) return false;
    const way = wayFromConvolution(convolved, { made, readers });
    if (!way || way.some((node) => replaced.has(node))) return false;
    for (const node of way) replaced.set(node, []);
    replaced.set(sum, withSum(way, z, sum));
    return true;
  };
  for (const node of graph.nodes) {
    const [a, b] = node.op === 'Add' ? node.inputs : [];
    if (!fuse(node, a, b)) fuse(node, b, a);
  }
  return { ...graph, nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? node) };
}

interface Readings {
  readonly made: ReadonlyMap<Value, Node>;
  readonly readers: ReadonlyMap<Value, number>;
}

/** The value whose memory a value shares. */
function source(value: Value, made: ReadonlyMap<Value, Node>): Value {
  const node = made.get(value);
  const [input] = node?.op === 'Reshape' ? node.inputs : [];
  return input ? source(input, made) : value;
}

/** The node that reads the memory of a value last; none of inputs, constants and outputs, which are kept. */
function lastReads(graph: Graph, made: ReadonlyMap<Value, Node>): Map<Value, Node> {
  const last = new Map<Value, Node>();
  for (const node of graph.nodes) {
    if (node.op === 'Reshape') continue;
    for (const input of node.inputs) if (input) last.set(source(input, made), node);
  }
  for (const kept of [...graph.inputs, ...graph.outputs.map(({ value }) => source(value, made))]) last.delete(kept);
  return last;
}

/** The nodes from a convolution that can add an image to a value, in order, if each is read by the next only. */
function wayFromConvolution(value: Value, { made, readers }: Readings): Node[] | undefined {
  const node = made.get(value);
  if (!node || readers.get(value) !== 1) return undefined;
  const isConvolution = node.op === 'Conv' && node.domain === NCHWC && node.attributes['activation'] === undefined;
  const [image, , , added] = node.inputs;
  if (isConvolution && !added) return [node];
  const before = isConvolution ? added : node.op === 'Reshape' ? image : undefined;
  const way = before && wayFromConvolution(before, { made, readers });
  return way && [...way, node];
}

/** The same way, to the sum's own output, with an image added by its first node. */
function withSum(way: readonly Node[], z: Value, sum: Node): Node[] {
  const [first, ...others] = way;
  const [output] = first?.outputs ?? [];
  if (!first || !output) return [sum];
  const name = `${output.name}_added`;
  const shape: Value = {
    id: output.id,
    name: `${name}_shape`,
    shape: [output.shape.length],
    type: 'int64',
    data: output.shape,
  };
  const image: Value = { ...output, name };
  const view: Node = { op: 'Reshape', domain: '', inputs: [z, shape], outputs: [image], attributes: {} };
  const isView = !equalShapes(z.shape, output.shape);
  const [x, weight, bias] = first.inputs;
  const nodes = [{ ...first, inputs: [x, weight, bias, isView ? image : z] }, ...others];
  const ended = nodes.map((node, i) => (i === nodes.length - 1 ? { ...node, outputs: sum.outputs } : node));
  return isView ? [view, ...ended] : ended;
}
