export { unbroadcast } from './gradients/gradient.js';
export { registerGradients } from './gradients/register-gradients.js';
export type {
  Arrays,
  CompileOptions,
  DType,
  Engine,
  EngineName,
  Program,
  Signature,
  StepFunction,
  Tensors,
  TensorSpec,
} from './program.js';
export type { Recorder } from './recorder/guards.js';
export { Hazards } from './recorder/hazards.js';
export { loopSteps } from './recorder/loop-steps.js';
export { record, type Recording } from './recorder/record.js';
export { hasKernel, isRecording } from './recorder/recorder-name.js';
export { RecordingError } from './recorder/recording-error.js';
export { type Port, signaturePorts, traceStep } from './recorder/trace-step.js';
