import { GraphBuilder } from '../graph/graph-builder.js';
import { encodeModel } from '../onnx/encode-model.js';
import { halfPrecision } from '../passes/half-precision.js';
import * as ort from 'onnxruntime-node';
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
  const refusal = await tryProduct(device);
  if (refusal !== undefined) throw new RangeError(`${device} has no float16 here: ${refusal}; use float32`);
}

async function tryProduct(device: OnnxDevice): Promise<string | undefined> {
  const target = { device: device === 'cpu' ? 'cpu' : 'gpu' } as const;
  const g = new GraphBuilder(target);
  const shape = [SIZE, SIZE];
  const value = g.apply('MatMul', [g.input('a', shape, 'float32'), g.input('b', shape, 'float32')], { shape });
  try {
    const session = await createSession(encodeModel(halfPrecision(g.build([{ name: 'y', value }]), target)), {
      device,
      threads: 1,
    });
    const matrix = (element: number) => new ort.Tensor('float32', new Float32Array(SIZE * SIZE).fill(element), shape);
    const { y } = await session.run({ a: matrix(BETWEEN), b: matrix(1) });
    const first = y?.data[0];
    await session.release();
    return first === SIZE ? undefined : `a product of float16 numbers gave ${String(first)}`;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  }
}
