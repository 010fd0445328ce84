import type { Graph, Node, Value } from '@tributary/onnx-graph';

const PRIMES: readonly number[] = [61, 67, 71, 73, 79, 83, 89, 97];

/**
 * Batch size to record with when the graph should take any: a prime that divides none of the network's own lengths, so that a
 * length that it divides can only come from the batch. Small, because operators may split large batches.
 *
 * @throws RangeError when every candidate divides one of the lengths.
 */
export function markingBatchSize(lengths: readonly number[]): number {
  const prime = PRIMES.find((candidate) => lengths.every((length) => length % candidate !== 0));
  if (prime === undefined) throw new RangeError('the network has lengths divisible by every marking batch size');
  return prime;
}

/** ONNX reads a length of -1 as "any" in an input, and as "what is left" in the shape given to Reshape. */
const ANY = -1;

/**
 * The graph with its batch left open: marked lengths of inputs and outputs become -1, and so do those in the shapes of reshapes;
 * other operators read their lengths from the first input's batch while running.
 *
 * @param marker The batch size that the graph was recorded with, from `markingBatchSize`.
 * @throws RangeError when no input begins with the batch, or a constant itself has the size of the batch.
 */
export function withDynamicBatch(graph: Graph, marker: number): Graph {
  const batched = graph.inputs.find(({ shape }) => shape[0] === marker);
  if (!batched) throw new RangeError('no input of the graph begins with the batch');
  const isMarked = (length: number): boolean => length !== 0 && length % marker === 0;
  const opened = (length: number): number => (isMarked(length) ? ANY : length);
  const lengths = new RunTimeLengths(marker);
  const replaced = new Map<Value, Value>();
  const valueOf = (value: Value): Value => {
    const known = replaced.get(value) ?? { ...value, shape: value.shape.map(opened) };
    replaced.set(value, known);
    return known;
  };
  const openShapes = new Map<Value, Value>();
  const openShape = (value: Value): Value => {
    const data = Array.from(value.data ?? [], opened);
    const known = openShapes.get(value) ?? { ...value, name: `${value.name} open`, data };
    openShapes.set(value, known);
    return known;
  };
  const inputOf = (node: Node, value: Value): Value => {
    if (!value.data) return valueOf(value);
    if (value.shape.some(isMarked)) throw new RangeError(`a constant of ${node.op} has the size of the batch`);
    const marked = value.type === 'int64' ? Array.from(value.data).filter(isMarked).length : 0;
    if (marked === 0) return value;
    return node.op === 'Reshape' && marked === 1 ? openShape(value) : lengths.computed(value);
  };
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((value) => value && inputOf(node, value)),
    outputs: node.outputs.map(valueOf),
  }));
  return {
    nodes: [...lengths.nodes(valueOf(batched)), ...nodes],
    inputs: graph.inputs.map(valueOf),
    outputs: graph.outputs.map(({ name, value }) => ({ name, value: valueOf(value) })),
  };
}

/** Shapes that are known only when the graph runs: fixed lengths plus the batch times how often each length holds it. */
class RunTimeLengths {
  readonly #marker: number;
  readonly #batch = integers('batch', [1]);
  readonly #known = new Map<string, { readonly result: Value; readonly nodes: readonly Node[] }>();

  constructor(marker: number) {
    this.#marker = marker;
  }

  computed(shape: Value): Value {
    const lengths = Array.from(shape.data ?? []);
    const key = lengths.join(',');
    const known = this.#known.get(key) ?? this.#compute(lengths, key);
    this.#known.set(key, known);
    return known.result;
  }

  #compute(lengths: readonly number[], key: string): { result: Value; nodes: Node[] } {
    const size = [lengths.length];
    const factors = lengths.map((length) => (length % this.#marker === 0 ? length / this.#marker : 0));
    const fixed = lengths.map((length, i) => (factors[i] === 0 ? length : 0));
    const product = integers(`open lengths of ${key}`, size);
    const result = integers(`lengths of ${key}`, size);
    const nodes = [
      node('Mul', [this.#batch, constant(`batches in ${key}`, factors)], product),
      node('Add', [product, constant(`fixed lengths of ${key}`, fixed)], result),
    ];
    return { result, nodes };
  }

  /** The nodes that make all computed lengths; none when none was asked for. */
  nodes(input: Value): Node[] {
    if (this.#known.size === 0) return [];
    const shape = { ...node('Shape', [input], this.#batch), attributes: { start: 0, end: 1 } };
    return [shape, ...[...this.#known.values()].flatMap(({ nodes }) => nodes)];
  }
}

/** Graph values are told apart by name when they are encoded; recorded ones have ids from 0. */
const UNRECORDED = -1;

function integers(name: string, shape: readonly number[]): Value {
  return { id: UNRECORDED, name, shape, type: 'int64' };
}

function constant(name: string, data: readonly number[]): Value {
  return { ...integers(name, [data.length]), data };
}

function node(op: string, inputs: readonly Value[], output: Value): Node {
  return { op, domain: '', inputs, outputs: [output], attributes: {} };
}
