import { encodeModel, GraphBuilder, halfPrecision } from '@tributary/onnx-graph';
import * as ort from './onnx-runtime.js';
import type { OnnxDevice } from './devices.js';
import { createSession } from './onnx-session.js';

const SIZE = 4;
/** 1 + 2^-12 lies between two float16 numbers and becomes the lower one, 1. */
const BETWEEN = 1 + 2 ** -12;

/**
 * Finds out by a small product whether a device computes in float16.
 * @throws RangeError with the runtime's own words where it does not: WebGPU needs the feature `shader-f16`.
 */
export async function assertHalfPrecision(device: OnnxDevice): Promise<void> {
  try {
    const found = await product(device);
    if (found !== SIZE) throw new RangeError(`a product of float16 numbers gave ${String(found)}`);
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new RangeError(`${device} has no float16 here: ${reason}; use float32`, { cause: error });
  }
}

/** One element of a matrix of numbers that float16 lacks times a matrix of ones. */
async function product(device: OnnxDevice): Promise<unknown> {
  const target = { device: device === 'cpu' ? 'cpu' : 'gpu' } as const;
  const g = new GraphBuilder(target);
  const shape = [SIZE, SIZE];
  const value = g.apply('MatMul', [g.input('a', shape, 'float32'), g.input('b', shape, 'float32')], { shape });
  const model = encodeModel(halfPrecision(g.build([{ name: 'y', value }]), target));
  const session = await createSession(model, { device, threads: 1 });
  try {
    const matrix = (element: number) => new ort.Tensor('float32', new Float32Array(SIZE * SIZE).fill(element), shape);
    const { y } = await session.run({ a: matrix(BETWEEN), b: matrix(1) });
    return y?.data[0];
  } finally {
    await session.release();
  }
}
