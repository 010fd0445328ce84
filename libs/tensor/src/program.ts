import type * as tf from '@tensorflow/tfjs-core';
import type { Precision } from '@tributary/onnx-graph';

/** Element types of inputs, outputs and state. */
export type DType = 'float32' | 'int32';

/** Shape and element type of a tensor; `dtype` is float32 when left out. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype?: DType;
}

/** What a step function is called with: inputs change at every run, state is kept between runs. State is float32. */
export interface Signature {
  readonly inputs: Record<string, TensorSpec>;
  readonly state?: Record<string, TensorSpec>;
}

/** Tensors by name. */
export type Tensors = Record<string, tf.Tensor>;

/** Typed arrays by name: what goes into and comes out of a program. */
export type Arrays = Record<string, Float32Array | Int32Array>;

/**
 * A pure function of tensors: no reading of values, no randomness, no tensors from outside (they would be frozen).
 * The returned state replaces the old; a name that is left out keeps its values.
 */
export type StepFunction = (inputs: Tensors, state: Tensors) => { outputs: Tensors; state?: Tensors };

/** A step function made ready to run. One run at a time. */
export interface Program {
  /** Runs one step. The arrays returned are valid until the next run; copy what must be kept. */
  run(inputs: Arrays): Promise<Arrays>;
  /** A copy of one state tensor; on a GPU it comes from there. Rejects with RangeError for an unknown name. */
  readState(name: string): Promise<Float32Array>;
  /** Replaces one state tensor. Throws RangeError for an unknown name or a wrong length. */
  writeState(name: string, values: Float32Array): void;
  dispose(): Promise<void>;
}

export type EngineName = 'onnx' | 'tensorflow' | 'reference';

export interface CompileOptions {
  /** Names the program in errors. */
  readonly label?: string;
  /**
   * How many steps one run does, an integer >= 1 (1 when left out): every input and output has this many rows, one a step,
   * [stepsPerCall, …]. State and outputs have the bits of as many runs of single steps.
   */
  readonly stepsPerCall?: number;
  /** float32 when left out. `float16` needs an engine that was opened with it. */
  readonly precision?: Precision;
}

/** Where programs run. */
export interface Engine {
  readonly name: EngineName;
  readonly device: string;
  readonly threads: number;
  /** What training steps are compiled with. */
  readonly precision: Precision;
  /**
   * Makes a step function ready to run. State starts as zeros.
   * @throws RecordingError when the function does what cannot be recorded, naming what and where.
   * @throws RangeError when `stepsPerCall` is not an integer >= 1, or for a precision that the engine was not opened with.
   * @throws TributaryError ENGINE_MEMORY_LIMIT when it would need more memory than the engine may use.
   */
  compile(fn: StepFunction, signature: Signature, options?: CompileOptions): Promise<Program>;
  dispose(): Promise<void>;
}
