import * as tf from '@tensorflow/tfjs-core';
import { equalShapes, type GraphBuilder } from '@tributary/onnx-graph';
import { registerGradients } from '../gradients/register-gradients.js';
import {
  elementType,
  fill,
  KERNEL_TABLE,
  plain,
  type RecordedKernel,
  registerLayerGradients,
  reshapeSymbolic,
  type Symbolic,
} from '@tributary/kernels';
import type { Recorder } from './guards.js';
import { Hazards } from './hazards.js';
import { RECORDER } from './recorder-name.js';
import { RecordingError } from './recording-error.js';

const COVERED: ReadonlySet<string> = new Set(KERNEL_TABLE.map(({ name }) => name));

type Content = Parameters<tf.KernelBackend['write']>[0];
type Shape = Parameters<tf.KernelBackend['write']>[1];

/** A tfjs backend that computes nothing: kernels append nodes to the graph of the recording under way. */
export class RecorderBackend extends tf.KernelBackend implements Recorder {
  readonly backendName = RECORDER;
  readonly #symbols = new tf.DataStorage<Symbolic>(this, tf.engine());
  #graph: GraphBuilder | undefined;
  readonly #hazards = new Hazards();

  /** Runs `record` with `graph` as the recording under way. */
  during<T>(graph: GraphBuilder, record: () => T): T {
    this.#graph = graph;
    try {
      return this.#hazards.during(record);
    } finally {
      this.#graph = undefined;
    }
  }

  get #current(): GraphBuilder {
    if (this.#graph) return this.#graph;
    throw new RecordingError('a tensor of a recording was used after the recording had ended');
  }

  covers(kernelName: string): boolean {
    return COVERED.has(kernelName);
  }

  owns(dataId: object): boolean {
    return this.#symbols.has(dataId);
  }

  symbolOf({ dataId, shape }: { dataId: object; shape: readonly number[] }): Symbolic {
    const symbol = this.#symbols.get(dataId);
    return equalShapes(symbol.shape, shape) ? symbol : reshapeSymbolic(this.#current, symbol, shape);
  }

  tensorInfo(symbol: Symbolic): tf.TensorInfo {
    const dataId = {};
    this.#symbols.set(dataId, symbol);
    const dtype = symbol.type === 'int32' || symbol.type === 'bool' ? symbol.type : 'float32';
    return { dataId, shape: [...symbol.shape], dtype };
  }

  runKernel(
    recorded: RecordedKernel,
    call: { inputs: tf.NamedTensorInfoMap; attributes: object },
  ): tf.TensorInfo | tf.TensorInfo[] {
    const inputs: Record<string, Symbolic> = {};
    for (const [name, info] of Object.entries(call.inputs)) if (info) inputs[name] = this.symbolOf(info);
    const result = recorded.record(this.#current, { inputs, attributes: call.attributes });
    return 'value' in result ? this.tensorInfo(result) : result.map((symbol) => this.tensorInfo(symbol));
  }

  override write(values: Content, shape: Shape, dtype: tf.DataType): object {
    this.#hazards.checkConstant();
    return this.tensorInfo(constantSymbol(this.#current, values, { shape, dtype })).dataId;
  }

  override move(): void {
    this.#hazards.refuseMove();
  }

  override readSync(): tf.backend_util.TypedArray {
    return this.#hazards.refuseRead();
  }

  override read(): Promise<tf.backend_util.TypedArray> {
    return this.#hazards.noteRead();
  }

  override refCount(): number {
    return 1;
  }

  override incRef(): void {
    // Symbols are shared freely and collected with their data ids.
  }

  decRef(): void {
    // As incRef.
  }

  override disposeData(dataId: object): boolean {
    return this.#symbols.delete(dataId);
  }

  override numDataIds(): number {
    return this.#symbols.numDataIds();
  }

  override memory(): { unreliable: boolean; reasons: string[] } {
    return { unreliable: true, reasons: ['recorded tensors hold no data'] };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override dispose(): void {
    // Holds nothing outside the garbage collector's reach.
  }
}

function constantSymbol(
  g: GraphBuilder,
  values: Content,
  { shape, dtype }: { shape: Shape; dtype: tf.DataType },
): Symbolic {
  const type = elementType(dtype);
  const numbers = values as ArrayLike<number> | null;
  if (numbers === null || isUniform(numbers)) return fill(g, shape, { value: numbers?.[0] ?? 0, type });
  return plain(g.constant(Float64Array.from(numbers), shape, type));
}

/** tfjs writes zeros out, as many as an image has pixels: their bits are compared, which is quick, and tells 0 from -0. */
function isUniform(numbers: ArrayLike<number>): boolean {
  const words =
    numbers instanceof Float32Array ? new Int32Array(numbers.buffer, numbers.byteOffset, numbers.length) : numbers;
  const first = words[0];
  for (let i = 1; i < words.length; i++) if (!Object.is(words[i], first)) return false;
  return true;
}

/** The one recorder backend of this process, registered with tfjs at first use. */
export function recorderBackend(): RecorderBackend {
  const known: unknown = tf.findBackend(RECORDER);
  if (known instanceof RecorderBackend) return known;
  const backend = new RecorderBackend();
  registerGradients();
  registerLayerGradients();
  tf.registerBackend(RECORDER, () => backend, 0);
  for (const recorded of KERNEL_TABLE) {
    tf.registerKernel({
      kernelName: recorded.name,
      backendName: RECORDER,
      kernelFunc: ({ inputs, attrs = {} }) => backend.runKernel(recorded, { inputs, attributes: attrs }),
    });
  }
  return backend;
}
