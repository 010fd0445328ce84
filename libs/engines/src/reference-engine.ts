import type { CompileOptions, Engine, Program, Signature, StepFunction } from '@tributary/tensor';
import { EagerProgram } from './eager-program.js';
import { useMendedCpu } from './mended-cpu.js';
import { repeated } from './repeated-program.js';

/** Runs step functions eagerly on tfjs's cpu backend: slow and plain, for tests and for finding bugs. */
export class ReferenceEngine implements Engine {
  readonly name = 'reference';
  readonly device = 'cpu';
  readonly threads = 1;
  readonly precision = 'float32';

  async compile(fn: StepFunction, signature: Signature, options?: CompileOptions): Promise<Program> {
    await useMendedCpu();
    return repeated(new EagerProgram(fn, signature, 'cpu'), signature, options);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
