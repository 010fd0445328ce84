import { isChannelScaling } from '../graph/channel-scaling.js';
import { type Graph, type Node, producers, type Value } from '../graph/graph.js';
import type { GraphTarget } from '../graph/graph-builder.js';
import { at } from '../graph/shapes.js';
import { DATA_TYPE } from '../onnx/encode-model.js';

const CONVOLUTIONS = new Set(['Conv', 'ConvTranspose']);
const MATRIX_PRODUCTS = new Set(['MatMul', 'FusedMatMul', 'Einsum']);

/**
 * Casts what matrix products and convolutions read to float16, and what they give back to float32 (Micikevicius et al. 2018,
 * "Mixed precision training", section 3). Everything else stays in float32: the weights that are kept, optimiser, norms, sums, loss.
 */
export function halfPrecision(graph: Graph, { device }: GraphTarget): Graph {
  const made = producers(graph.nodes);
  const halves = new Map<Value, Value>();
  const nodes: Node[] = [];
  const hold = (value: Value): Value => {
    if (device !== 'cpu') return value;
    const held = narrow(value, 'held');
    nodes.push(holdNode(value, held));
    return held;
  };
  const half = (value: Value): Value => {
    const known = halves.get(value);
    if (known) return known;
    const cast = narrow(value, 'half');
    nodes.push(castNode(value, cast));
    const held = hold(cast);
    halves.set(value, held);
    return held;
  };
  for (const node of graph.nodes) {
    if (!isProduct(node, made)) {
      nodes.push(node);
      continue;
    }
    const inputs = node.inputs.map((input) => input && half(input));
    const output = at(node.outputs, 0);
    const product = narrow(output, 'product');
    nodes.push({ ...node, inputs, outputs: [product] });
    const held = hold(product);
    nodes.push(castNode(held, output));
    halves.set(output, held);
  }
  return { ...graph, nodes };
}

/** A float16 value of the same shape. */
function narrow({ id, name, shape }: Value, suffix: string): Value {
  return { id, name: `${name}_${suffix}`, shape, type: 'float16' };
}

/**
 * A reshape to the same shape. ONNX Runtime's processor has no products of float16: it puts casts round them, and takes them for
 * the inverse of the casts here, so that nothing would be rounded. A reshape in between costs nothing and keeps the rounding.
 */
function holdNode(from: Value, to: Value): Node {
  const { shape } = to;
  const target: Value = { id: to.id, name: `${to.name}_shape`, shape: [shape.length], type: 'int64', data: shape };
  return { op: 'Reshape', domain: '', inputs: [from, target], outputs: [to], attributes: {} };
}

function castNode(from: Value, to: Value): Node {
  return { op: 'Cast', domain: '', inputs: [from], outputs: [to], attributes: { to: DATA_TYPE[to.type] } };
}

function isProduct(node: Node, made: ReadonlyMap<Value, Node>): boolean {
  const output = at(node.outputs, 0);
  if (output.type !== 'float32') return false;
  if (CONVOLUTIONS.has(node.op)) return !isChannelScaling(node);
  return MATRIX_PRODUCTS.has(node.op) && !isReduction(output) && !node.inputs.some((input) => isOneHot(input, made));
}

/** A product that gives one row or column sums with weights: a norm's sums of squares, a sum over examples. */
function isReduction({ shape }: Value): boolean {
  return shape.slice(-2).includes(1) || shape.length < 2;
}

/** Rows that are added up where an index says so. */
function isOneHot(value: Value | undefined, made: ReadonlyMap<Value, Node>): boolean {
  const node = value && made.get(value);
  return node?.op === 'Cast' && node.inputs[0]?.type === 'bool';
}
