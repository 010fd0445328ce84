import type { AttributeMap, ElementType, Graph, GraphOutput, Node, Value } from './graph.js';
import { checkOperandTypes } from './operand-types.js';
import { at, equalShapes, product } from './shapes.js';

/** What matrix products and convolutions compute in; everything else, and all state, is float32. */
export type Precision = 'float32' | 'float16';

/** What kind of device the graph is written for: some operators exist, or are quick, on one only. */
export interface GraphTarget {
  /** `any`: operators of the standard only, in files that every ONNX runtime reads. */
  readonly device: 'cpu' | 'gpu' | 'any';
  /** Channel block of ONNX Runtime's blocked convolution layout (16 with AVX-512, 8 with AVX2); plain layout when left out. */
  readonly nchwcBlock?: number;
  /** float32 when left out. */
  readonly precision?: Precision;
}

/** Shape of an operator's output and what else tells it apart; the element type is the first input's when left out. */
export interface OutputSpec {
  readonly shape: readonly number[];
  readonly type?: ElementType;
  readonly attributes?: AttributeMap;
  readonly domain?: string;
}

/** As `OutputSpec`, for operators with several outputs. */
export interface OutputSpecs {
  readonly outputs: readonly { readonly shape: readonly number[]; readonly type: ElementType }[];
  readonly attributes?: AttributeMap;
  readonly domain?: string;
}

const SHARED_CONSTANT_ELEMENTS = 64;
export const MICROSOFT = 'com.microsoft';
/** ONNX Runtime's operators on images with channels in blocks. */
export const NCHWC = `${MICROSOFT}.nchwc`;

/** Collects nodes; the same operator on the same inputs is written once (common subexpressions). */
export class GraphBuilder {
  readonly inputs: Value[] = [];
  readonly #nodes: Node[] = [];
  readonly #producers = new Map<Value, Node>();
  readonly #shared = new Map<string, readonly Value[]>();
  #values = 0;

  constructor(readonly target: GraphTarget = { device: 'cpu' }) {}

  #value(shape: readonly number[], type: ElementType, data?: ArrayLike<number>): Value {
    const id = this.#values++;
    return { id, name: `v${id}`, shape: [...shape], type, data };
  }

  input(name: string, shape: readonly number[], type: ElementType): Value {
    const value = { ...this.#value(shape, type), name };
    this.inputs.push(value);
    return value;
  }

  constant(data: ArrayLike<number>, shape: readonly number[], type: ElementType): Value {
    if (data.length > SHARED_CONSTANT_ELEMENTS) return this.#value(shape, type, data);
    const key = `constant|${type}|${shape.join()}|${Array.from(data, (x) => (Object.is(x, -0) ? '-0' : x)).join()}`;
    const known = this.#shared.get(key)?.[0];
    if (known) return known;
    const value = this.#value(shape, type, data);
    this.#shared.set(key, [value]);
    return value;
  }

  /** A large float32 constant that several operators read: made once a graph for each name. */
  namedConstant(name: string, shape: readonly number[], make: () => Float32Array): Value {
    const key = `named|${name}`;
    const known = this.#shared.get(key)?.[0];
    if (known) return known;
    const value = this.#value(shape, 'float32', make());
    this.#shared.set(key, [value]);
    return value;
  }

  /** A list of 64-bit integers: shapes, axes, indices. */
  int64(data: readonly number[]): Value {
    return this.constant(data, [data.length], 'int64');
  }

  /** One float32 number with `rank` dimensions of size 1. */
  scalar(value: number, rank = 0): Value {
    return this.constant([value], new Array<number>(rank).fill(1), 'float32');
  }

  producer(value: Value): Node | undefined {
    return this.#producers.get(value);
  }

  /** @throws TypeError when ONNX has not the operator for the types of the inputs. */
  applyMany(op: string, inputs: readonly (Value | undefined)[], spec: OutputSpecs): readonly Value[] {
    const { attributes = {}, domain = '' } = spec;
    checkOperandTypes(op, inputs);
    const key = `${domain}.${op}|${inputs.map((v) => v?.id ?? '').join()}|${JSON.stringify(attributes)}|${spec.outputs.length}`;
    const known = this.#shared.get(key);
    if (known) return known;
    const outputs = spec.outputs.map(({ shape, type }) => this.#value(shape, type));
    const node: Node = { op, domain, inputs, outputs, attributes };
    this.#nodes.push(node);
    for (const output of outputs) this.#producers.set(output, node);
    this.#shared.set(key, outputs);
    return outputs;
  }

  apply(op: string, inputs: readonly (Value | undefined)[], spec: OutputSpec): Value {
    const { shape, type = at(inputs, 0).type, attributes, domain } = spec;
    return at(this.applyMany(op, inputs, { outputs: [{ shape, type }], attributes, domain }), 0);
  }

  /** The same elements in another shape; chains of reshapes collapse into one. */
  reshape(value: Value, shape: readonly number[]): Value {
    if (product(value.shape) !== product(shape)) {
      throw new RangeError(`cannot reshape [${value.shape.join()}] to [${shape.join()}]`);
    }
    let source = value;
    for (let node = this.producer(source); node?.op === 'Reshape'; node = this.producer(source)) {
      source = at(node.inputs, 0);
    }
    if (equalShapes(source.shape, shape)) return source;
    if (source.data) return this.constant(source.data, shape, source.type);
    return this.apply('Reshape', [source, this.int64([...shape])], { shape });
  }

  /** Permutes dimensions; a permutation that moves only dimensions of size 1 is a reshape, and two in a row become one. */
  transpose(value: Value, permutation: readonly number[]): Value {
    const shape = permutation.map((axis) => at(value.shape, axis));
    const moved = permutation.filter((axis) => at(value.shape, axis) > 1);
    if (moved.every((axis, i) => i === 0 || axis > at(moved, i - 1))) return this.reshape(value, shape);
    const node = this.producer(value);
    const inner = node?.op === 'Transpose' ? node.attributes['perm'] : undefined;
    const source = node?.inputs[0];
    if (Array.isArray(inner) && source) {
      const composed: number[] = permutation.map((axis) => Number(inner[axis]));
      return this.transpose(source, composed);
    }
    return this.apply('Transpose', [value], { shape, attributes: { perm: [...permutation] } });
  }

  /** Repeats dimensions of size 1. */
  expand(value: Value, shape: readonly number[]): Value {
    if (equalShapes(value.shape, shape)) return value;
    return this.apply('Expand', [value, this.int64([...shape])], { shape });
  }

  build(outputs: readonly GraphOutput[]): Graph {
    return { nodes: [...this.#nodes], inputs: [...this.inputs], outputs };
  }
}
