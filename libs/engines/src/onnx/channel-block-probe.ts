import * as ort from './onnx-runtime.js';
import { encodeModel, type Graph, GraphBuilder, product } from '@tributary/onnx-graph';
import { convolve } from '@tributary/kernels';

/** Blocks that ONNX Runtime uses: as many float32 numbers as a vector register holds (AVX-512, then AVX2 and NEON). */
const BLOCKS = [16, 8] as const;
const ERRORS_ONLY = 4;
const SIZE = 5;
const TOLERANCE = 1e-4;

/**
 * The channel block of this processor's blocked convolutions, found by trying: a convolution in the blocked layout must
 * agree with the plain one. Undefined where no block does; graphs then stay in the plain layout.
 */
export function probeChannelBlock(): Promise<number | undefined> {
  return (found ??= findChannelBlock());
}

/** A processor has one block: it is looked for once a process. */
let found: Promise<number | undefined> | undefined;

async function findChannelBlock(): Promise<number | undefined> {
  for (const block of BLOCKS) if (await agrees(block)) return block;
  return undefined;
}

async function agrees(block: number): Promise<boolean> {
  try {
    const plain = await run(convolution(block));
    const blocked = await run(convolution(block, block));
    return plain.every((value, i) => Math.abs(value - (blocked[i] ?? Number.NaN)) < TOLERANCE);
  } catch {
    // ONNX Runtime refuses the operator on processors without it: that is the answer.
    return false;
  }
}

/** Two blocks of channels on either side, so that a wrong block size mixes them up. */
function convolution(channels: number, nchwcBlock?: number): Graph {
  const g = new GraphBuilder({ device: 'cpu', nchwcBlock });
  const count = 2 * channels;
  const x = g.input('x', [1, count, SIZE, SIZE], 'float32');
  const weight = g.input('weight', [count, count, 3, 3], 'float32');
  const value = convolve(
    g,
    { x, weight },
    {
      batch: 1,
      inChannels: count,
      outChannels: count,
      groups: 1,
      inSize: [SIZE, SIZE],
      outSize: [SIZE, SIZE],
      kernelSize: [3, 3],
      strides: [1, 1],
      dilations: [1, 1],
      padBefore: [1, 1],
      padAfter: [1, 1],
    },
  );
  return g.build([{ name: 'y', value }]);
}

async function run(graph: Graph): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(encodeModel(graph), {
    intraOpNumThreads: 1,
    logSeverityLevel: ERRORS_ONLY,
  });
  const feeds = Object.fromEntries(
    graph.inputs.map(({ name, shape }) => {
      const values = Float32Array.from({ length: product(shape) }, (_, i) => Math.sin(i * i) / 8);
      return [name, new ort.Tensor('float32', values, shape)];
    }),
  );
  const { y } = await session.run(feeds);
  const values = y?.data;
  await session.release();
  if (!(values instanceof Float32Array)) throw new TypeError('the probe gave no float32 result');
  return values;
}
