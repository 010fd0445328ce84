import type { CompileOptions, Engine, Program, Signature, StepFunction } from '@tributary/tensor';
import { EagerProgram } from '../eager-program.js';
import { repeated } from '../repeated-program.js';
import { tensorflowInstallation } from './installation.js';
import { loadTensorflow, TENSORFLOW, type Tensorflow } from './load-tensorflow.js';
import { compileTensorflow } from './tensorflow-program.js';

export interface TensorflowOptions {
  readonly threads: number;
  /** Runs operation by operation instead of as one graph, to find a bug. */
  readonly isEager?: boolean;
}

/** Compiles step functions into TensorFlow functions, run by libtensorflow on the CPU or on an NVIDIA GPU. */
export class TensorflowEngine implements Engine {
  readonly name = 'tensorflow';
  readonly device: string;
  readonly threads: number;
  readonly precision = 'float32';

  private constructor(
    private readonly tensorflow: Tensorflow,
    private readonly isEager: boolean,
  ) {
    this.threads = tensorflow.threads;
    this.device = tensorflow.binding.isUsingGpuDevice() ? 'cuda' : 'cpu';
  }

  /** @throws RangeError when the engine is not installed, with the remedy. */
  static open({ threads, isEager = false }: TensorflowOptions): TensorflowEngine {
    const installation = tensorflowInstallation();
    if (!installation.isInstalled) throw new RangeError(installation.reason);
    return new TensorflowEngine(loadTensorflow(installation, threads), isEager);
  }

  async compile(fn: StepFunction, signature: Signature, options?: CompileOptions): Promise<Program> {
    const program = this.isEager
      ? new EagerProgram(fn, signature, TENSORFLOW)
      : compileTensorflow(this.tensorflow, fn, signature);
    return Promise.resolve(repeated(program, signature, options));
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
