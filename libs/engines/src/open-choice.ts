import { existsSync } from 'node:fs';
import type { Engine, EngineName } from '@tributary/tensor';
import type { Precision } from '@tributary/onnx-graph';
import { absenceOf, ONNX_DEVICES, type OnnxDevice } from './onnx/devices.js';
import type { ConvolutionLayout } from './onnx/onnx-engine.js';
import type { TensorflowOptions } from './tensorflow/tensorflow-engine.js';

/** Everything that decides which bits an engine gives: two engines of one choice on one machine agree bit for bit. */
export interface EngineChoice {
  readonly name: EngineName;
  /** What the engine has when left out: `cpu` of onnx, what was installed of tensorflow. */
  readonly device?: string;
  readonly threads: number;
  readonly layout: ConvolutionLayout;
  /** float32 when left out. */
  readonly precision?: Precision;
}

/** What changes no bit. */
export interface EngineExtras {
  /** Of the onnx engine: programs that need more are refused. */
  readonly memoryLimitMiB?: number;
  /** Of the tensorflow engine: runs operation by operation instead of as one graph, to find a bug. */
  readonly isEager?: boolean;
}

/**
 * Opens the engine of a choice. The engines' own packages are loaded only here, so processes that never call this load none.
 * @throws RangeError where the engine, its device or the precision is not here, with what to do.
 */
export async function openChoice(choice: EngineChoice, extras: EngineExtras = {}): Promise<Engine> {
  const { name, device, threads, layout, precision } = choice;
  if (precision === 'float16' && name !== 'onnx')
    throw new RangeError(`the ${name} engine trains in float32 only; the onnx engine has float16`);
  const { memoryLimitMiB, isEager } = extras;
  switch (name) {
    case 'onnx':
      return (await import('./onnx/onnx-engine.js')).OnnxEngine.open({
        device: usableDevice(device ?? 'cpu'),
        threads,
        layout,
        precision,
        memoryLimitMiB,
      });
    case 'reference':
      return new (await import('./reference-engine.js')).ReferenceEngine();
    case 'tensorflow':
      return openTensorflow({ device, threads, isEager });
  }
}

function usableDevice(device: string): OnnxDevice {
  const known = ONNX_DEVICES.find((candidate) => candidate === device);
  if (!known) throw new RangeError(`the onnx engine has no device ${device}; it has ${ONNX_DEVICES.join(', ')}`);
  const { platform, arch, env: environment } = process;
  const absence = absenceOf(known, { platform, arch, environment, exists: existsSync });
  if (absence !== undefined) throw new RangeError(absence);
  return known;
}

/** The processor or the GPU is settled by what was installed, and by what the machine has. */
async function openTensorflow({ device, ...options }: TensorflowOptions & { device?: string }): Promise<Engine> {
  const { TensorflowEngine } = await import('./tensorflow/tensorflow-engine.js');
  const engine = TensorflowEngine.open(options);
  if (device === undefined || device === engine.device) return engine;
  throw new RangeError(
    `the tensorflow engine runs on ${engine.device} here, not on ${device}; run: npx tributary engine install tensorflow${device === 'cuda' ? ' --cuda' : ''}`,
  );
}
