/** Element types of graph values, named as in tfjs; int64 is used for shapes and indices only, uint64 for random words. */
export type ElementType = 'float32' | 'int32' | 'bool' | 'int64' | 'uint64' | 'float16';

/** A tensor in the graph: an input, a constant (`data`), or the output of one node. */
export interface Value {
  readonly id: number;
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
  readonly data?: ArrayLike<number>;
}

/** A float attribute (a plain number is an int attribute). */
export interface FloatAttribute {
  readonly float: number;
}

export type AttributeValue = number | string | readonly number[] | FloatAttribute | Graph;
export type AttributeMap = Readonly<Record<string, AttributeValue>>;

/** One ONNX operator call. `domain` is empty for standard operators. */
export interface Node {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: AttributeMap;
}

/** A named output. */
export interface GraphOutput {
  readonly name: string;
  readonly value: Value;
}

/** A whole graph; nodes are in an order in which every input is made before it is read. */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly GraphOutput[];
}

/** Whether an attribute is a body, as loops have. */
export function isGraph(attribute: AttributeValue): attribute is Graph {
  return typeof attribute === 'object' && 'nodes' in attribute;
}

/** The graphs inside a node: a loop's body. They may read the values of the graph around them. */
export function subgraphs({ attributes }: Node): Graph[] {
  return Object.values(attributes).filter(isGraph);
}

/** The node that makes each value. */
export function producers(nodes: readonly Node[]): Map<Value, Node> {
  const made = new Map<Value, Node>();
  for (const node of nodes) for (const output of node.outputs) made.set(output, node);
  return made;
}

/** How many times each value is read, by nodes and as a graph output. */
export function countReaders(graph: Graph): Map<Value, number> {
  const readers = new Map<Value, number>();
  const count = (value: Value) => readers.set(value, (readers.get(value) ?? 0) + 1);
  for (const node of graph.nodes) for (const input of node.inputs) if (input) count(input);
  for (const output of graph.outputs) count(output.value);
  return readers;
}
