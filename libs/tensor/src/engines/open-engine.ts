import { availableParallelism } from 'node:os';
import type { Engine, EngineName } from '../program.js';
import type { ConvolutionLayout } from './onnx-engine.js';
import { ONNX_DEVICES, type OnnxDevice } from './onnx-session.js';

export interface EngineOptions {
  /** `auto` takes the quickest engine that is usable here. */
  readonly name?: EngineName | 'auto';
  readonly device?: string;
  /** CPU threads, >= 1; all cores when left out. Use 1 where several trainers share a machine. */
  readonly threads?: number;
  /** Of the onnx engine. When left out: `blocked` for `auto` where the probe finds it right, else `plain`. */
  readonly layout?: ConvolutionLayout;
  /** Of the tensorflow engine: runs operation by operation instead of as one graph, to find a bug. */
  readonly isEager?: boolean;
}

/**
 * Opens an engine. The engines' own packages are loaded only here, so processes that never call this load none.
 * @throws RangeError for an unknown engine, a device it does not have, or a wrong number of threads.
 */
export async function openEngine(options: EngineOptions = {}): Promise<Engine> {
  const { name = 'auto', device = 'cpu', threads = availableParallelism() } = options;
  const { isEager, layout = name === 'auto' ? 'blocked' : 'plain' } = options;
  if (!Number.isInteger(threads) || threads < 1)
    throw new RangeError(`threads must be an integer >= 1, got ${threads}`);
  switch (name) {
    case 'auto':
    case 'onnx':
      return (await import('./onnx-engine.js')).OnnxEngine.open({ device: onnxDevice(device), threads, layout });
    case 'reference':
      return new (await import('./reference-engine.js')).ReferenceEngine();
    case 'tensorflow':
      return (await import('./tensorflow/tensorflow-engine.js')).TensorflowEngine.open({ threads, isEager });
  }
}

function onnxDevice(device: string): OnnxDevice {
  const known = ONNX_DEVICES.find((candidate) => candidate === device);
  if (known) return known;
  throw new RangeError(`the onnx engine has no device ${device}; it has ${ONNX_DEVICES.join(', ')}`);
}
