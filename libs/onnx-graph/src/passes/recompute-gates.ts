import { isChannelScaling } from '../graph/channel-scaling.js';
import { MICROSOFT } from '../graph/graph-builder.js';
import { producers, type Graph, type Node, type Value } from '../graph/graph.js';

/** Readers this many nodes after a gate belong to the way back; until then the gate would lie in memory. */
const FAR = 64;

/**
 * Computes the gate of a SiLU after a normalisation a second time where the gradient reads it, from the normalisation's input,
 * which is kept anyway: a third less memory for one cheap pass (Chen et al. 2016, "Training deep nets with sublinear memory cost"),
 * as the convolution that scales the channels can end with the sigmoid.
 */
export function recomputeGates(graph: Graph): Graph {
  const made = producers(graph.nodes);
  const positions = new Map(graph.nodes.map((node, index) => [node, index]));
  const copies = new Map<Value, readonly Node[]>();
  const nodes: Node[] = [];
  const copied = (value: Value, reader: Node): Value => {
    const gate = made.get(value);
    const isFar = gate && (positions.get(reader) ?? 0) - (positions.get(gate) ?? 0) > FAR;
    if (!isFar || gate.op !== 'Sigmoid') return value;
    const known = copies.get(value) ?? again(gate, made);
    if (!copies.has(value)) nodes.push(...known);
    copies.set(value, known);
    return known.at(-1)?.outputs[0] ?? value;
  };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input) => input && copied(input, node));
    nodes.push({ ...node, inputs });
  }
  return { ...graph, nodes };
}

/** Nodes that lead from a normalisation's input to a gate a second time, in order; none where the way is another. */
function again(gate: Node, made: ReadonlyMap<Value, Node>): Node[] {
  const chain = [gate];
  const before = (node: Node): Node | undefined => (node.inputs[0] ? made.get(node.inputs[0]) : undefined);
  while (!isChannelScaling(chain[0] ?? gate)) {
    const node = before(chain[0] ?? gate);
    if (!node || (node.op !== 'Reshape' && !isChannelScaling(node))) return [];
    chain.unshift(node);
  }
  const renamed = new Map<Value, Value>();
  return chain.slice(0, -1).map((node) => {
    const outputs = node.outputs.map((output) => ({ ...output, name: `${output.name}_again` }));
    const inputs = node.inputs.map((input) => input && (renamed.get(input) ?? input));
    node.outputs.forEach((output, i) => renamed.set(output, outputs[i] ?? output));
    const copy = { ...node, inputs, outputs };
    return isChannelScaling(node) ? endingWithSigmoid(copy) : copy;
  });
}

/** The blocked convolution knows activations; of the standard's, ONNX Runtime has a second operator that does. */
function endingWithSigmoid(scaling: Node): Node {
  const fused = scaling.domain === '' ? { op: 'FusedConv', domain: MICROSOFT } : {};
  return { ...scaling, ...fused, attributes: { ...scaling.attributes, activation: 'Sigmoid' } };
}
