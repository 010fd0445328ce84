import type { Engine, Program, Signature, StepFunction } from '../program.js';
import { EagerProgram } from './eager-program.js';
import { useMendedCpu } from './mended-cpu.js';

/** Runs step functions eagerly on tfjs's cpu backend: slow and plain, for tests and for finding bugs. */
export class ReferenceEngine implements Engine {
  readonly name = 'reference';
  readonly device = 'cpu';
  readonly threads = 1;

  async compile(fn: StepFunction, signature: Signature): Promise<Program> {
    await useMendedCpu();
    return new EagerProgram(fn, signature, 'cpu');
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
