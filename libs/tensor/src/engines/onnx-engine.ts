import * as ort from 'onnxruntime-node';
import { encodeModel } from '../onnx/encode-model.js';
import type { CompileOptions, Engine, Program, Signature, StepFunction } from '../program.js';
import type { GraphTarget } from '../graph/graph-builder.js';
import { record } from '../recorder/record.js';
import { probeChannelBlock } from './channel-block-probe.js';
import { OnnxProgram } from './onnx-program.js';

const ERRORS_ONLY = 3;

/**
 * How convolutions read images. `blocked` keeps channels in blocks that fill a vector register: quicker by a fifth or more,
 * in other bits, and used only where a probe finds it right on this processor. Both repeat bit for bit.
 */
export type ConvolutionLayout = 'plain' | 'blocked';

/** Compiles step functions into ONNX graphs that ONNX Runtime executes on the CPU. */
export class OnnxEngine implements Engine {
  readonly name = 'onnx';
  readonly device = 'cpu';

  private constructor(
    readonly threads: number,
    private readonly target: GraphTarget,
  ) {}

  static async open({ threads, layout }: { threads: number; layout: ConvolutionLayout }): Promise<OnnxEngine> {
    const nchwcBlock = layout === 'blocked' ? await probeChannelBlock() : undefined;
    return new OnnxEngine(threads, { device: 'cpu', nchwcBlock });
  }

  async compile(fn: StepFunction, signature: Signature, options: CompileOptions = {}): Promise<Program> {
    const recording = record(fn, signature, this.target);
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
