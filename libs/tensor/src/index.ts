export { randomStream, type RandomStream } from './random/random-stream.js';
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
