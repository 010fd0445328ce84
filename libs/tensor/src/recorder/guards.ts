import * as tf from '@tensorflow/tfjs-core';
import { RecordingError } from './recording-error.js';

const STACK_FRAMES = 60;

/** A tfjs backend that records: what the guards ask it. */
export interface Recorder {
  /** Its name among tfjs's backends. */
  readonly backendName: string;
  /** Whether a kernel can be recorded. */
  covers(kernelName: string): boolean;
  /** Whether this tensor belongs to the recording (and not to another backend). */
  owns(dataId: object): boolean;
}

/**
 * Runs `fn` with a recorder as tfjs's backend and with errors instead of what would silently be frozen into the graph:
 * `Math.random`, tensors from outside, variables, and kernels that cannot be recorded.
 */
export function withRecorder<T>(recorder: Recorder, fn: () => T): T {
  const engine = tf.engine();
  const { backendName } = engine;
  const runKernel: typeof engine.runKernel = engine.runKernel.bind(engine);
  const { random } = Math;
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = STACK_FRAMES;
  void tf.setBackend(recorder.backendName);
  Math.random = () => {
    throw new RecordingError(
      'Math.random while recording would be frozen into the graph; pass random numbers as an input',
    );
  };
  engine.makeVariable = () => {
    throw new RecordingError('a variable was made while recording; return new state from the step function instead');
  };
  const checkedRun: typeof engine.runKernel = (name, inputs, attrs) => {
    checkCall(recorder, name, inputs);
    return locate(name, inputs, () => runKernel(name, inputs, attrs));
  };
  engine.runKernel = checkedRun;
  try {
    return fn();
  } catch (error) {
    throw asRecordingError(error);
  } finally {
    // The engine's own methods are its class's; these were laid over them.
    Reflect.deleteProperty(engine, 'runKernel');
    Reflect.deleteProperty(engine, 'makeVariable');
    Math.random = random;
    Error.stackTraceLimit = stackTraceLimit;
    if (backendName) void tf.setBackend(backendName);
  }
}

function checkCall(recorder: Recorder, name: string, inputs: tf.NamedTensorMap): void {
  if (!recorder.covers(name)) {
    throw new RecordingError(`the kernel ${name} cannot be recorded (${describe(inputs)}); see the table of kernels`);
  }
  for (const [input, tensor] of Object.entries(inputs)) {
    if (tensor instanceof tf.Tensor && !recorder.owns(tensor.dataId)) {
      throw new RecordingError(
        `${name}: ${input} is a tensor made before the recording; it would be frozen into the graph. Pass it as an input or as state`,
      );
    }
  }
}

function locate<R>(name: string, inputs: tf.NamedTensorMap, run: () => R): R {
  try {
    return run();
  } catch (error) {
    if (error instanceof RecordingError) throw error;
    const { message, stack } = toError(error);
    throw new RecordingError(`${message} (recording ${name}: ${describe(inputs)})`, { cause: error, stack });
  }
}

function describe(inputs: tf.NamedTensorMap): string {
  return Object.entries(inputs)
    .map(([name, tensor]) => `${name} [${tensor.shape.join(', ')}]`)
    .join(', ');
}

function asRecordingError(error: unknown): RecordingError {
  if (error instanceof RecordingError) return error;
  const { message, stack } = toError(error);
  return new RecordingError(message, { cause: error, stack });
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
