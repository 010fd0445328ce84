import type * as tf from '@tensorflow/tfjs-core';
import { hasKernel, Hazards, type Port, type Recorder, RecordingError } from '@tributary/tensor';
import type { Addon, Binding, NativeGraph, NodeBackend, NodeBackendClass } from './binding.js';
import { graphBinding } from './graph-binding.js';

/** The recorder's name among tfjs's backends. */
export const TENSORFLOW_RECORDER = 'tributary-tensorflow-recorder';

interface Parts {
  readonly addon: Addon;
  readonly binding: Binding;
  readonly backendClass: NodeBackendClass;
  readonly packageName: string;
}

/** tfjs-node's backend over a graph: its kernels append TensorFlow operations to the recording under way. */
export class TensorflowRecorder implements Recorder {
  readonly backendName = TENSORFLOW_RECORDER;
  readonly backend: NodeBackend;
  readonly #addon: Addon;
  readonly #hazards = new Hazards();
  #graph: NativeGraph | undefined;

  constructor({ addon, binding, backendClass, packageName }: Parts) {
    this.#addon = addon;
    const overlay = graphBinding({ addon, binding }, () => this.graph, this.#hazards);
    this.backend = guarded(new backendClass(overlay, packageName), this.#hazards);
  }

  get graph(): NativeGraph {
    if (this.#graph) return this.#graph;
    throw new RecordingError('a tensor of a recording was used after the recording had ended');
  }

  /** Runs `record` with a new graph as the recording under way. */
  during<T>(record: (graph: NativeGraph) => T): T {
    const graph = this.#addon.createGraph();
    this.#graph = graph;
    try {
      return this.#hazards.during(() => record(graph));
    } finally {
      this.#graph = undefined;
    }
  }

  covers(kernelName: string): boolean {
    return hasKernel(kernelName, TENSORFLOW_RECORDER);
  }

  owns(dataId: object): boolean {
    return this.backend.tensorMap.has(dataId);
  }

  /** The graph's tensor for an input or a state. */
  placeholder({ shape, dtype }: Port): tf.Tensor {
    const { binding } = this.backend;
    const type = dtype === 'int32' ? binding.TF_INT32 : binding.TF_FLOAT;
    const attributes = [
      { name: 'dtype', type: binding.TF_ATTR_TYPE, value: type },
      { name: 'shape', type: binding.TF_ATTR_SHAPE, value: shape },
    ];
    return this.backend.executeSingleOutput('Placeholder', attributes, []);
  }

  /** The number of a tensor within the graph. */
  idOf(tensor: tf.Tensor): number {
    const [id] = this.backend.getInputTensorIds([tensor]);
    if (id === undefined) throw new RangeError('the tensor has no place in the graph');
    return id;
  }
}

/** Values that would be frozen into the graph, and reads of values that do not exist yet, become errors. */
function guarded(backend: NodeBackend, hazards: Hazards): NodeBackend {
  const move = backend.move.bind(backend);
  const write: NodeBackend['write'] = (values, shape, dtype) => {
    hazards.checkConstant();
    const dataId = {};
    move(dataId, values, shape, dtype, 1);
    return dataId;
  };
  return Object.assign(backend, {
    write,
    move: () => hazards.refuseMove(),
    readSync: () => hazards.refuseRead(),
    read: () => hazards.noteRead(),
  });
}
