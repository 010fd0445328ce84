import * as ort from './onnx-runtime.js';
import { availableParallelism } from 'node:os';
import type { OnnxDevice } from './devices.js';

export interface SessionSettings {
  readonly device: OnnxDevice;
  readonly threads: number;
  /** Names the program in ONNX Runtime's messages. */
  readonly label?: string;
  /** Outputs that stay on the device (webgpu only); the others come to the processor. */
  readonly onDevice?: readonly string[];
}

const ERRORS_ONLY = 3;

/** Shapes never change, so a buffer of the very same size is always there to be used again. */
const PROVIDERS: Readonly<Record<OnnxDevice, ort.InferenceSession.ExecutionProviderConfig[]>> = {
  cpu: ['cpu'],
  webgpu: [{ name: 'webgpu', storageBufferCacheMode: 'simple' }, 'cpu'],
  cuda: ['cuda', 'cpu'],
};

/** Loads a model on a device. Rejects with ONNX Runtime's own words where that cannot be done. */
export function createSession(model: Uint8Array, settings: SessionSettings): Promise<ort.InferenceSession> {
  const { device, threads, label = 'program', onDevice = [] } = settings;
  return ort.InferenceSession.create(model, {
    executionProviders: PROVIDERS[device],
    preferredOutputLocation: Object.fromEntries(onDevice.map((name) => [name, 'gpu-buffer'])),
    logId: label,
    logSeverityLevel: ERRORS_ONLY,
    // For the processor our passes leave ONNX Runtime nothing worth its search, which takes as long as the rest of the loading.
    graphOptimizationLevel: device === 'cpu' ? 'disabled' : 'all',
    executionMode: 'sequential',
    // One block for all tensors of a step would be no quicker, and up to two thirds larger.
    enableMemPattern: false,
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: isSharing(threads) ? '0' : '1' } } },
  });
}

/** Threads that wait by spinning take time from whoever uses the cores that were left free. */
function isSharing(threads: number): boolean {
  return threads < availableParallelism();
}
