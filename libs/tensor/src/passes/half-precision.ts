import { producers, type Graph, type Node, type Value } from '../graph/graph.js';
import { at } from '../graph/shapes.js';
import { DATA_TYPE } from '../onnx/encode-model.js';

const CONVOLUTIONS = new Set(['Conv', 'ConvTranspose']);
const MATRIX_PRODUCTS = new Set(['MatMul', 'FusedMatMul', 'Einsum']);

/**
 * Casts what matrix products and convolutions read to float16, and what they give back to float32 (Micikevicius et al. 2018,
 * "Mixed precision training", section 3). Everything else stays in float32: the weights that are kept, optimiser, norms, sums, loss.
 */
export function halfPrecision(graph: Graph): Graph {
  const made = producers(graph.nodes);
  const halves = new Map<Value, Value>();
  const nodes: Node[] = [];
  const half = (value: Value): Value => {
    const known = halves.get(value) ?? asHalf(value);
    if (!halves.has(value)) nodes.push(castNode(value, known));
    halves.set(value, known);
    return known;
  };
  for (const node of graph.nodes) {
    if (!isProduct(node, made)) {
      nodes.push(node);
      continue;
    }
    const inputs = node.inputs.map((input) => input && half(input));
    const output = at(node.outputs, 0);
    const narrow = asHalf(output);
    nodes.push({ ...node, inputs, outputs: [narrow] }, castNode(narrow, output));
    halves.set(output, narrow);
  }
  return { ...graph, nodes };
}

function asHalf({ data: _, ...value }: Value): Value {
  return { ...value, name: `${value.name}_half`, type: 'float16' };
}

function castNode(from: Value, to: Value): Node {
  return { op: 'Cast', domain: '', inputs: [from], outputs: [to], attributes: { to: DATA_TYPE[to.type] } };
}

function isProduct(node: Node, made: ReadonlyMap<Value, Node>): boolean {
  const output = at(node.outputs, 0);
  if (output.type !== 'float32') return false;
  if (CONVOLUTIONS.has(node.op)) return !isScaling(node);
  return MATRIX_PRODUCTS.has(node.op) && !isReduction(output) && !node.inputs.some((input) => isOneHot(input, made));
}

/** A convolution of one pixel and one channel a group: how a norm scales its channels. */
function isScaling({ inputs, attributes, outputs }: Node): boolean {
  const [, , ...kernelSize] = inputs[1]?.shape ?? [];
  return attributes['group'] === outputs[0]?.shape[1] && kernelSize.every((size) => size === 1);
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
