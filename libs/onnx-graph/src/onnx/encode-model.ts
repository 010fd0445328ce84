import {
  type AttributeMap,
  type AttributeValue,
  type ElementType,
  type Graph,
  isGraph,
  type Node,
  subgraphs,
  type Value,
} from '../graph/graph.js';
import { MICROSOFT, NCHWC } from '../graph/graph-builder.js';
import { ProtobufWriter } from './protobuf-writer.js';

/** `TensorProto.DataType` of onnx.proto3 (ONNX 1.16). */
export const DATA_TYPE: Readonly<Record<ElementType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  uint64: 13,
};
const ATTRIBUTE = { float: 1, int: 2, string: 3, graph: 5, ints: 7 };
const IR_VERSION = 8;
const OPERATOR_SETS = [
  { domain: '', version: 18 },
  { domain: MICROSOFT, version: 1 },
  { domain: NCHWC, version: 1 },
];

/** Name of a length that is known only when the model runs. */
const OPEN_DIMENSION = 'batch';

/**
 * Encodes a graph as an ONNX `ModelProto` (onnx.proto3, IR version 8, operator set 18). Inputs that nothing reads are left out;
 * a negative length of an input or output is open.
 */
export function encodeModel(graph: Graph): Buffer {
  const read = readValues(graph);
  const inputs = graph.inputs.filter((input) => read.has(input));
  const model = new ProtobufWriter().integer(1, IR_VERSION).message(7, encodeGraph({ ...graph, inputs }));
  for (const { domain, version } of OPERATOR_SETS) {
    model.message(8, new ProtobufWriter().string(1, domain).integer(2, version));
  }
  return model.finish();
}

function encodeGraph(graph: Graph): ProtobufWriter {
  const writer = new ProtobufWriter();
  const names = outputNames(graph);
  const nameOf = (value: Value) => names.get(value) ?? value.name;
  graph.nodes.forEach((node, index) => writer.message(1, encodeNode(node, { index, nameOf })));
  for (const { name, value } of graph.outputs) {
    if (nameOf(value) !== name) writer.message(1, encodeCopy(nameOf(value), name));
  }
  writer.string(2, 'tributary');
  for (const value of ownValues(graph)) if (value.data) writer.message(5, encodeConstant(value, value.data));
  for (const input of graph.inputs) writer.message(11, encodeValueInfo(input.name, input));
  for (const { name, value } of graph.outputs) writer.message(12, encodeValueInfo(name, value));
  return writer;
}

/** What the graph's own nodes and outputs read. */
function ownValues({ nodes, outputs }: Graph): Set<Value> {
  const inputs = nodes.flatMap((node) => node.inputs.flatMap((input) => input ?? []));
  return new Set([...outputs.map(({ value }) => value), ...inputs]);
}

/** The same with what the graphs inside read. */
function readValues(graph: Graph): Set<Value> {
  const inside = graph.nodes.flatMap(subgraphs).flatMap((body) => [...readValues(body)]);
  return new Set([...ownValues(graph), ...inside]);
}

/** Values that a node makes for one output bear the output's name: they need no copy. */
function outputNames(graph: Graph): ReadonlyMap<Value, string> {
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  return new Map(graph.outputs.filter(({ value }) => made.has(value)).map(({ name, value }) => [value, name]));
}

function encodeCopy(from: string, to: string): ProtobufWriter {
  return new ProtobufWriter().string(1, from).string(2, to).string(4, 'Identity');
}

function encodeNode(
  node: Node,
  { index, nameOf }: { index: number; nameOf: (value: Value) => string },
): ProtobufWriter {
  const writer = new ProtobufWriter();
  for (const input of node.inputs) writer.string(1, input ? nameOf(input) : '');
  for (const output of node.outputs) writer.string(2, nameOf(output));
  writer.string(3, `${node.op}_${index}`).string(4, node.op);
  encodeAttributes(writer, node.attributes);
  return writer.string(7, node.domain);
}

function encodeAttributes(node: ProtobufWriter, attributes: AttributeMap): void {
  for (const [name, value] of Object.entries(attributes)) {
    node.message(5, encodeAttribute(new ProtobufWriter().string(1, name), value));
  }
}

function encodeAttribute(writer: ProtobufWriter, value: AttributeValue): ProtobufWriter {
  if (typeof value === 'number') return writer.integer(3, value).integer(20, ATTRIBUTE.int);
  if (typeof value === 'string') return writer.string(4, value).integer(20, ATTRIBUTE.string);
  if (isGraph(value)) return writer.message(6, encodeGraph(value)).integer(20, ATTRIBUTE.graph);
  if ('float' in value) return writer.float(2, value.float).integer(20, ATTRIBUTE.float);
  return writer.integers(8, value).integer(20, ATTRIBUTE.ints);
}

function encodeConstant(value: Value, data: ArrayLike<number>): ProtobufWriter {
  return new ProtobufWriter()
    .integers(1, value.shape)
    .integer(2, DATA_TYPE[value.type])
    .string(8, value.name)
    .bytes(9, rawBytes(data, value.type));
}

function rawBytes(data: ArrayLike<number>, type: ElementType): Uint8Array {
  const typed = {
    float32: () => Float32Array.from(data),
    int32: () => Int32Array.from(data),
    int64: () => BigInt64Array.from(Array.from(data, BigInt)),
    uint64: () => BigUint64Array.from(Array.from(data, BigInt)),
    bool: () => Uint8Array.from(data),
    float16: () => {
      throw new RangeError('float16 constants are written as casts of float32 constants');
    },
  }[type]();
  return new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
}

function encodeValueInfo(name: string, value: Value): ProtobufWriter {
  const shape = new ProtobufWriter();
  for (const size of value.shape) {
    const dimension = new ProtobufWriter();
    shape.message(1, size < 0 ? dimension.string(2, OPEN_DIMENSION) : dimension.integer(1, size));
  }
  const tensorType = new ProtobufWriter().integer(1, DATA_TYPE[value.type]).message(2, shape);
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensorType));
}
