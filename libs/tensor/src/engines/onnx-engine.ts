import { encodeModel } from '../onnx/encode-model.js';
import type { CompileOptions, Engine, Program, Signature, StepFunction } from '../program.js';
import type { GraphTarget } from '../graph/graph-builder.js';
import { record } from '../recorder/record.js';
import { probeChannelBlock } from './channel-block-probe.js';
import { DeviceMemory } from './device-memory.js';
import { HostMemory } from './host-memory.js';
import { OnnxProgram } from './onnx-program.js';
import { createSession, type OnnxDevice, type SessionSettings } from './onnx-session.js';

/**
 * How convolutions read images. `blocked` keeps channels in blocks that fill a vector register: quicker by a fifth or more,
 * in other bits, and used only where a probe finds it right on this processor. Both repeat bit for bit.
 */
export type ConvolutionLayout = 'plain' | 'blocked';

export interface OnnxEngineOptions {
  readonly device: OnnxDevice;
  readonly threads: number;
  readonly layout: ConvolutionLayout;
}

/** Compiles step functions into ONNX graphs that ONNX Runtime executes. */
export class OnnxEngine implements Engine {
  readonly name = 'onnx';

  private constructor(
    readonly device: OnnxDevice,
    readonly threads: number,
    private readonly target: GraphTarget,
  ) {}

  static async open({ device, threads, layout }: OnnxEngineOptions): Promise<OnnxEngine> {
    if (device !== 'cpu') return new OnnxEngine(device, threads, { device: 'gpu' });
    const nchwcBlock = layout === 'blocked' ? await probeChannelBlock() : undefined;
    return new OnnxEngine(device, threads, { device, nchwcBlock });
  }

  async compile(fn: StepFunction, signature: Signature, { label }: CompileOptions = {}): Promise<Program> {
    const recording = record(fn, signature, this.target);
    const settings: SessionSettings = { device: this.device, threads: this.threads, label };
    const keepsState = this.device === 'webgpu';
    const onDevice = keepsState ? recording.nextState.map(({ graphName }) => graphName) : [];
    const session = await createSession(encodeModel(recording.graph), { ...settings, onDevice });
    return new OnnxProgram(
      session,
      recording,
      keepsState ? new DeviceMemory(recording, settings) : new HostMemory(recording),
    );
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
