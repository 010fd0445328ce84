import type * as tf from '@tensorflow/tfjs-core';

/** A tensor that TensorFlow made: its number, type (TF_DataType) and shape. */
export interface NativeTensor {
  readonly id: number;
  readonly dtype: number;
  readonly shape: number[];
}

/** An attribute of a TensorFlow operation; `type` is a TF_AttrType of the binding. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

export type NativeValues = Float32Array | Int32Array | Uint8Array;

/** What the addon of @tensorflow/tfjs-node offers, as far as it is used here. */
export interface Binding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  readonly TF_Version: string;
  isUsingGpuDevice(): boolean;
  createTensor(shape: readonly number[], dtype: number, values: NativeValues): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): NativeValues;
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): NativeTensor[];
}

/** A TensorFlow graph under construction; the garbage collector frees it. */
export type NativeGraph = object;

/** What `native/tensorflow-graph.cc` adds; tensors of a graph are numbered within it. */
export interface Addon {
  /** Loads TensorFlow from a folder of libraries. Threads are those of the process: the first call decides. */
  open(threads: number, libraryFolder: string): Binding;
  createGraph(): NativeGraph;
  graphConstant(graph: NativeGraph, shape: readonly number[], dtype: number, values: NativeValues): NativeTensor;
  graphOperation(
    graph: NativeGraph,
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
  ): NativeTensor[];
  /** Makes the graph an operation that `executeOp` runs by this name. */
  defineFunction(graph: NativeGraph, name: string, inputs: readonly number[], outputs: readonly number[]): void;
  removeFunction(name: string): void;
}

/** tfjs-node's backend, as far as it is used here. */
export interface NodeBackend extends tf.KernelBackend {
  readonly binding: Binding;
  readonly tensorMap: { has(dataId: object): boolean };
  createOutputTensor(tensor: NativeTensor): tf.Tensor;
  getInputTensorIds(tensors: readonly tf.Tensor[]): number[];
  executeSingleOutput(name: string, attributes: readonly OpAttribute[], inputs: readonly tf.TensorInfo[]): tf.Tensor;
}

export type NodeBackendClass = new (binding: Binding, packageName: string) => NodeBackend;
