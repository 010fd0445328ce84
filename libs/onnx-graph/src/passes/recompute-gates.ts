import { isChannelScaling } from '../graph/channel-scaling.js';
import { MICROSOFT } from '../graph/graph-builder.js';
import { producers, type Graph, type Node, type Value } from '../graph/graph.js';

/** A gate this many nodes after its normalisation belongs to the way back; until then the normalised image would lie in memory. */
const FAR = 64;

/**
 * Computes a gate on the way back, sigmoid(± normalised image), from the input of the normalisation, which is kept anyway: a third
 * less memory for one cheap pass (Chen et al. 2016, "Training deep nets with sublinear memory cost"), as the convolution that
 * scales the channels can turn the sign and end with the sigmoid.
 */
export function recomputeGates(graph: Graph): Graph {
  const made = producers(graph.nodes);
  const positions = new Map(graph.nodes.map((node, index) => [node, index]));
  const nodes = graph.nodes.flatMap((node, index) => {
    const way = node.op === 'Sigmoid' ? wayFromScaling(node, made) : undefined;
    const [scaling] = way ?? [];
    return way && scaling && index - (positions.get(scaling) ?? 0) > FAR ? again(way) : [node];
  });
  return { ...graph, nodes };
}

/** The nodes from a scaling of channels to a gate, in order, if nothing else lies between than reshapes and a change of sign. */
function wayFromScaling(gate: Node, made: ReadonlyMap<Value, Node>): Node[] | undefined {
  const way = [gate];
  for (let node = before(gate, made); node; node = before(node, made)) {
    way.unshift(node);
    if (isChannelScaling(node)) return node.inputs.length <= 3 ? way : undefined;
    if (node.op !== 'Reshape' && node.op !== 'Neg') return undefined;
  }
  return undefined;
}

const before = ({ inputs: [first] }: Node, made: ReadonlyMap<Value, Node>): Node | undefined =>
  first && made.get(first);

/** The same way with the sign and the sigmoid in the scaling; it ends in the gate's own output. */
function again(way: readonly Node[]): Node[] {
  const isNegated = way.filter(({ op }) => op === 'Neg').length % 2 === 1;
  const kept = way.filter(({ op }, i) => i === 0 || op === 'Reshape');
  const gate = way.at(-1)?.outputs ?? [];
  let previous: readonly Value[] = [];
  return kept.flatMap((node, i) => {
    const outputs = i === kept.length - 1 ? gate : renamed(node.outputs, 'again');
    const copy = { ...node, inputs: i === 0 ? node.inputs : [...previous, ...node.inputs.slice(1)], outputs };
    previous = outputs;
    return i === 0 ? endingWithSigmoid(copy, isNegated) : [copy];
  });
}

const renamed = (values: readonly Value[], suffix: string): Value[] =>
  values.map((value) => ({ ...value, name: `${value.name}_${suffix}` }));

/** The blocked convolution knows activations; of the standard's, ONNX Runtime has a second operator that does. */
function endingWithSigmoid(scaling: Node, isNegated: boolean): Node[] {
  const fused = scaling.domain === '' ? { op: 'FusedConv', domain: MICROSOFT } : {};
  const attributes = { ...scaling.attributes, activation: 'Sigmoid' };
  const [x, ...numbers] = scaling.inputs;
  if (!isNegated) return [{ ...scaling, ...fused, attributes }];
  const signs = numbers.flatMap((number): Node[] =>
    number
      ? [
          {
            op: 'Neg',
            domain: '',
            inputs: [number],
            outputs: renamed([number], `of_${nameOf(scaling)}`),
            attributes: {},
          },
        ]
      : [],
  );
  const inputs = [x, ...signs.flatMap(({ outputs }) => outputs)];
  return [...signs, { ...scaling, ...fused, inputs, attributes }];
}

/** A name that no other scaling has. */
const nameOf = ({ outputs }: Node): string => outputs[0]?.name ?? '';
