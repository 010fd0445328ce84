import { TributaryError } from '@tributary/protocol/errors';
import { encodeModel, estimatePeakBytes, type GraphTarget, inRunOrder, type Precision } from '@tributary/onnx-graph';
import {
  type CompileOptions,
  type Engine,
  loopSteps,
  type Program,
  record,
  type Recording,
  type Signature,
  type StepFunction,
} from '@tributary/tensor';
import { probeChannelBlock } from './channel-block-probe.js';
import { DeviceMemory } from './device-memory.js';
import { assertHalfPrecision } from './half-precision-probe.js';
import { HostMemory } from './host-memory.js';
import { OnnxProgram } from './onnx-program.js';
import type { OnnxDevice } from './devices.js';
import { createSession, type SessionSettings } from './onnx-session.js';
import { RepeatedProgram, stepsPerCallOf } from '../repeated-program.js';

/**
 * How convolutions read images. `blocked` keeps channels in blocks that fill a vector register: quicker by a fifth or more,
 * in other bits, and used only where a probe finds it right on this processor. Both repeat bit for bit.
 */
export type ConvolutionLayout = 'plain' | 'blocked';

export interface OnnxEngineOptions {
  readonly device: OnnxDevice;
  readonly threads: number;
  readonly layout: ConvolutionLayout;
  readonly precision?: Precision;
  readonly memoryLimitMiB?: number;
}

const MEBIBYTE = 2 ** 20;
/** Resident memory of training steps (4.4 and 20 million parameters: 1.9 and 1.7) beside the least that they need. */
const RUNTIME_FACTOR = 2;

/** Compiles step functions into ONNX graphs that ONNX Runtime executes. */
export class OnnxEngine implements Engine {
  readonly name = 'onnx';

  private constructor(
    readonly device: OnnxDevice,
    readonly threads: number,
    readonly precision: Precision,
    private readonly target: GraphTarget,
    private readonly memoryLimitMiB: number | undefined,
  ) {}

  /** @throws RangeError where the device cannot compute in the precision. */
  static async open(options: OnnxEngineOptions): Promise<OnnxEngine> {
    const { device, threads, layout, precision = 'float32', memoryLimitMiB } = options;
    const isBlocked = device === 'cpu' && layout === 'blocked';
    const target: GraphTarget =
      device === 'cpu' ? { device, nchwcBlock: isBlocked ? await probeChannelBlock() : undefined } : { device: 'gpu' };
    if (precision === 'float16') await assertHalfPrecision(device);
    return new OnnxEngine(device, threads, precision, target, memoryLimitMiB);
  }

  async compile(fn: StepFunction, signature: Signature, options: CompileOptions = {}): Promise<Program> {
    const stepsPerCall = stepsPerCallOf(options);
    const step = record(fn, signature, this.#targetOf(options.precision ?? 'float32'));
    if (stepsPerCall === 1) return this.#open(step, options);
    // Where state stays on the device, nothing is gained by a loop, whose state would cross over.
    if (this.#keepsState) return new RepeatedProgram(await this.#open(step, options), signature, stepsPerCall);
    return this.#open(loopSteps(step, stepsPerCall), options);
  }

  get #keepsState(): boolean {
    return this.device === 'webgpu';
  }

  async #open(recording: Recording, { label }: CompileOptions): Promise<Program> {
    this.#checkMemory(recording, label);
    const settings: SessionSettings = { device: this.device, threads: this.threads, label };
    const keepsState = this.#keepsState;
    const onDevice = keepsState ? recording.nextState.map(({ graphName }) => graphName) : [];
    const session = await createSession(encodeModel(inRunOrder(recording.graph)), { ...settings, onDevice });
    return new OnnxProgram(
      session,
      recording,
      keepsState ? new DeviceMemory(recording, settings) : new HostMemory(recording),
    );
  }

  /** The blocked layout's convolutions exist in float32 only. */
  #targetOf(precision: Precision): GraphTarget {
    if (precision === 'float32') return this.target;
    if (this.precision === precision) return { ...this.target, nchwcBlock: undefined, precision };
    throw new RangeError(`this engine was opened with ${this.precision}, the program asks for ${precision}`);
  }

  #checkMemory({ graph }: Recording, label = 'program'): void {
    const neededMiB = Math.ceil((RUNTIME_FACTOR * estimatePeakBytes(graph)) / MEBIBYTE);
    const limitMiB = this.memoryLimitMiB ?? Infinity;
    if (neededMiB <= limitMiB) return;
    const detail = `the ${label} needs about ${neededMiB} MiB, the limit is ${limitMiB} MiB`;
    throw new TributaryError('ENGINE_MEMORY_LIMIT', { detail, neededMiB, limitMiB });
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
