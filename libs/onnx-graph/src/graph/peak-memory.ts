import { countReaders, type ElementType, type Graph, type Node, producers, subgraphs, type Value } from './graph.js';
import { product } from './shapes.js';

const ELEMENT_BYTES: Readonly<Record<ElementType, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  int64: 8,
  uint64: 8,
  float16: 2,
};

function bytesOf(value: Value): number {
  return ELEMENT_BYTES[value.type] * product(value.shape);
}

/**
 * Least memory in bytes that running a graph node by node takes at once: constants, inputs and outputs, which are there all
 * the time, and of the values in between those that are still to be read. A reshape shares its input's memory; a loop's body needs
 * its own beside. What the runtime adds (working memory of operators, gaps between buffers) is not in it.
 */
export function estimatePeakBytes(graph: Graph): number {
  const makers = producers(graph.nodes);
  const owner = (value: Value): Value => ownerOf(value, makers);
  const readers = new Map<Value, number>();
  for (const [value, count] of countReaders(graph)) readers.set(owner(value), (readers.get(owner(value)) ?? 0) + count);
  const outputs = new Set(graph.outputs.map(({ value }) => owner(value)));
  const permanent = new Set([...graph.inputs, ...outputs, ...constantsOf(graph.nodes)]);
  const fixed = [...permanent].reduce((sum, value) => sum + bytesOf(value), 0);
  let live = 0;
  let peak = 0;
  for (const node of graph.nodes) {
    const isView = node.op === 'Reshape';
    for (const output of node.outputs) if (!isView && !permanent.has(output)) live += bytesOf(output);
    peak = Math.max(peak, live + subgraphs(node).reduce((sum, body) => sum + estimatePeakBytes(body), 0));
    for (const input of node.inputs) {
      const source = input && owner(input);
      if (!source) continue;
      const left = (readers.get(source) ?? 0) - 1;
      readers.set(source, left);
      if (left === 0 && !permanent.has(source)) live -= bytesOf(source);
    }
  }
  return fixed + peak;
}

function ownerOf(value: Value, makers: ReadonlyMap<Value, Node>): Value {
  let current = value;
  for (let node = makers.get(current); node?.op === 'Reshape'; node = makers.get(current)) {
    const [source] = node.inputs;
    if (!source) return current;
    current = source;
  }
  return current;
}

function constantsOf(nodes: readonly Node[]): Value[] {
  return nodes.flatMap(({ inputs }) => inputs.filter((input) => input?.data !== undefined)).flatMap((v) => v ?? []);
}
