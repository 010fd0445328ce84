import * as ort from 'onnxruntime-node';
import { encodeModel } from '../onnx/encode-model.js';
import type { CompileOptions, Engine, Program, Signature, StepFunction } from '../program.js';
import { record } from '../recorder/record.js';
import { OnnxProgram } from './onnx-program.js';

const ERRORS_ONLY = 3;

/** Compiles step functions into ONNX graphs that ONNX Runtime executes on the CPU. */
export class OnnxEngine implements Engine {
  readonly name = 'onnx';
  readonly device = 'cpu';

  constructor(readonly threads: number) {}

  async compile(fn: StepFunction, signature: Signature, options: CompileOptions = {}): Promise<Program> {
    const recording = record(fn, signature);
    const session = await ort.InferenceSession.create(encodeModel(recording.graph), {
      logId: options.label ?? 'program',
      logSeverityLevel: ERRORS_ONLY,
      graphOptimizationLevel: 'all',
      executionMode: 'sequential',
      intraOpNumThreads: this.threads,
      interOpNumThreads: 1,
    });
    return new OnnxProgram(session, recording);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
