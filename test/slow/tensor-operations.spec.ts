import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { conv2d, conv3d, convTranspose2d, convTranspose3d, groupNorm, layerNorm, linear } from '@tributary/layers';
import { openEngine } from '@tributary/engines';
import type { Engine } from '@tributary/tensor';
import {
  type AgreementCase,
  index,
  normal,
  outputShape,
  positive,
  relativeDifference,
  runOn,
} from '@tributary/engines/agreement/agreement.spec-support';
import { useMendedCpu } from '@tributary/engines/mended-cpu';
import fc from 'fast-check';

const RUNS = 40;
const TIMEOUT_MS = 10 * 60_000;

type Case = Pick<AgreementCase, 'inputs' | 'noGradient'> & { fn: (...inputs: never[]) => tf.Tensor };
type T4 = tf.Tensor4D;
type T5 = tf.Tensor5D;

/** A kind of operation over random shapes, and how far float32 arithmetic in another order may take results apart. */
interface Family {
  readonly tolerance: number;
  readonly cases: fc.Arbitrary<Case>;
}

const size = (max: number, min = 1) => fc.integer({ min, max });
const shape = fc.array(size(6), { minLength: 1, maxLength: 4 });
const sum = (values: readonly tf.Tensor[]) => tf.addN([...values]);

/** A shape, and one that broadcasts with it: some dimensions 1, some leading ones left out. */
const broadcastShapes = fc
  .tuple(shape, fc.infiniteStream(fc.boolean()), fc.nat(3))
  .map(([full, isOne, dropped]) => [
    full,
    full.map((length) => (isOne.next().value === true ? 1 : length)).slice(Math.min(dropped, full.length - 1)),
  ]) satisfies fc.Arbitrary<number[][]>;

const axes = shape.chain((of) =>
  fc.record({ of: fc.constant(of), axis: fc.nat(of.length - 1), keepDims: fc.boolean() }),
);

const convolution = fc.record({
  batch: size(2),
  lengths: fc.array(size(7, 3), { minLength: 3, maxLength: 3 }),
  kernel: fc.array(size(3), { minLength: 3, maxLength: 3 }),
  perGroup: size(3),
  outPerGroup: size(3),
  groups: size(3),
  stride: size(3),
  dilation: size(2),
  padding: fc.nat(2),
});

type ConvolutionSizes = typeof convolution extends fc.Arbitrary<infer Sizes> ? Sizes : never;

const fits = ({ lengths, kernel, dilation, padding }: ConvolutionSizes, rank: number) =>
  kernel.slice(0, rank).every((k, i) => (k - 1) * dilation + 1 <= (lengths[i] ?? 0) + 2 * padding);

function convolutions(rank: 2 | 3): fc.Arbitrary<Case> {
  return convolution
    .filter((c) => fits(c, rank))
    .map(({ batch, lengths, kernel, perGroup, outPerGroup, groups, ...options }) => ({
      inputs: [
        normal(batch, ...lengths.slice(0, rank), perGroup * groups),
        normal(outPerGroup * groups, perGroup, ...kernel.slice(0, rank)),
      ],
      fn:
        rank === 2
          ? (x: T4, w: T4) => conv2d(x, w, undefined, { ...options, groups })
          : (x: T5, w: T5) => conv3d(x, w, undefined, { ...options, groups }),
    }));
}

function transposedConvolutions(rank: 2 | 3): fc.Arbitrary<Case> {
  return convolution
    .filter(({ lengths, kernel, stride, dilation, padding }) =>
      kernel.slice(0, rank).every((k, i) => ((lengths[i] ?? 0) - 1) * stride - 2 * padding + (k - 1) * dilation > 0),
    )
    .map(({ batch, lengths, kernel, perGroup, outPerGroup, groups, ...options }) => ({
      inputs: [
        normal(batch, ...lengths.slice(0, rank), perGroup * groups),
        normal(perGroup * groups, outPerGroup, ...kernel.slice(0, rank)),
      ],
      fn:
        rank === 2
          ? (x: T4, w: T4) => convTranspose2d(x, w, undefined, { ...options, groups })
          : (x: T5, w: T5) => convTranspose3d(x, w, undefined, { ...options, groups }),
    }));
}

const FAMILIES: Readonly<Record<string, Family>> = {
  'smooth functions of one tensor': {
    tolerance: 5e-6,
    cases: shape.map((of) => ({
      inputs: [positive(...of)],
      fn: (x: tf.Tensor) =>
        sum([tf.exp(x), tf.log(x), tf.sqrt(x), tf.rsqrt(x), tf.sigmoid(x), tf.tanh(x), tf.erf(x), tf.softplus(x)]),
    })),
  },
  'arithmetic with broadcasting': {
    tolerance: 1e-5,
    cases: broadcastShapes.map(([a = [], b = []]) => ({
      inputs: [positive(...a), positive(...b)],
      fn: (x: tf.Tensor, y: tf.Tensor) =>
        sum([tf.add(x, y), tf.sub(x, y), tf.mul(x, y), tf.div(x, y), tf.pow(x, y), tf.squaredDifference(x, y)]),
    })),
  },
  reductions: {
    tolerance: 1e-5,
    cases: axes.map(({ of, axis, keepDims }) => ({
      inputs: [positive(...of)],
      fn: (x: tf.Tensor) =>
        sum([
          tf.sum(x, axis, keepDims),
          tf.mean(x, axis, keepDims),
          tf.max(x, axis, keepDims),
          tf.prod(x, axis, keepDims),
        ]),
    })),
  },
  'softmax and cumulative sums': {
    tolerance: 1e-5,
    cases: axes.map(({ of, axis }) => ({
      inputs: [normal(...of)],
      fn: (x: tf.Tensor) => tf.mul(tf.softmax(x), tf.cumsum(x, axis)),
    })),
  },
  'reshapes, transposes, slices and joins': {
    tolerance: 1e-6,
    cases: axes.map(({ of, axis }) => ({
      inputs: [normal(...of), normal(...of)],
      fn: (x: tf.Tensor, y: tf.Tensor) => {
        const turned = tf.transpose(tf.concat([x, tf.square(y)], axis));
        return tf.mul(tf.reverse(tf.reshape(turned, [-1])), tf.reshape(tf.stack([y, x]), [-1]));
      },
    })),
  },
  'matrix products': {
    tolerance: 2e-5,
    cases: fc
      .tuple(size(3), size(9), size(9), size(9), fc.boolean(), fc.boolean())
      .map(([n, a, b, c, left, right]) => ({
        inputs: [normal(...(left ? [n, b, a] : [n, a, b])), normal(...(right ? [n, c, b] : [n, b, c]))],
        fn: (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, left, right),
      })),
  },
  'gathers and scatters': {
    tolerance: 5e-6,
    cases: fc.tuple(size(7), size(5), size(9)).map(([rows, width, count]) => ({
      inputs: [normal(rows, width), index(rows, count, 1)],
      fn: (x: tf.Tensor, i: tf.Tensor) => {
        const places = tf.cast(i, 'int32');
        const read = tf.gather(x, tf.reshape(places, [count]));
        return tf.scatterND(places, tf.mul(read, tf.gatherND(x, places)), [rows, width]);
      },
    })),
  },
  'convolutions in two dimensions': { tolerance: 2e-5, cases: convolutions(2) },
  'convolutions in three dimensions': { tolerance: 2e-5, cases: convolutions(3) },
  'transposed convolutions in two dimensions': { tolerance: 2e-5, cases: transposedConvolutions(2) },
  'transposed convolutions in three dimensions': { tolerance: 2e-5, cases: transposedConvolutions(3) },
  pools: {
    tolerance: 1e-5,
    cases: fc
      .tuple(size(2), size(9, 3), size(9, 3), size(3), size(3), fc.constantFrom('same' as const, 'valid' as const))
      .map(([batch, height, width, window, stride, pad]) => ({
        inputs: [normal(batch, height, width, 3)],
        fn: (x: T4) => tf.add(tf.avgPool(x, window, stride, pad), tf.maxPool(x, window, stride, pad)),
      })),
  },
  resizing: {
    tolerance: 1e-5,
    cases: fc
      .tuple(size(7), size(7), size(9), size(9), fc.constantFrom([false, false], [true, false], [false, true]))
      .map(([height, width, toHeight, toWidth, [alignCorners, halfPixelCenters]]) => ({
        inputs: [normal(2, height, width, 3)],
        fn: (x: T4) =>
          tf.add(
            tf.image.resizeBilinear(x, [toHeight, toWidth], alignCorners, halfPixelCenters),
            tf.image.resizeNearestNeighbor(x, [toHeight, toWidth], alignCorners, halfPixelCenters),
          ),
      })),
  },
  padding: {
    tolerance: 1e-6,
    cases: fc
      .tuple(size(6, 3), size(5), fc.nat(2), fc.nat(2), fc.constantFrom('reflect' as const, 'symmetric' as const))
      .map(([rows, columns, before, after, mode]) => ({
        inputs: [normal(rows, columns)],
        fn: (x: tf.Tensor) => {
          const sides: [number, number][] = [
            [before, after],
            [0, 0],
          ];
          return tf.mul(tf.square(tf.mirrorPad(x, sides, mode)), tf.pad(x, sides, 0.5));
        },
      })),
  },
  'norms and linear layers': {
    tolerance: 5e-5,
    cases: fc.tuple(size(2), size(5, 2), size(4), size(3), size(3)).map(([batch, length, perGroup, groups, out]) => {
      // Of two channels, a layer norm makes +1 and -1 whatever they are: its gradient is nothing but rounding.
      const channels = 4 * perGroup * groups;
      return {
        inputs: [normal(batch, length, length, channels), positive(channels), normal(channels), normal(out, channels)],
        fn: (x: T4, gamma: tf.Tensor1D, beta: tf.Tensor1D, w: tf.Tensor2D) =>
          linear(layerNorm(groupNorm(x, gamma, beta, { groups, epsilon: 1e-5 }), gamma, beta), w),
      };
    }),
  },
};

describe('operations over random shapes', () => {
  let onnx: Engine;
  let reference: Engine;

  beforeAll(async () => {
    await useMendedCpu();
    onnx = await openEngine({ name: 'onnx', threads: 1 });
    reference = await openEngine({ name: 'reference' });
  });

  afterAll(async () => {
    await onnx.dispose();
    await reference.dispose();
  });

  it.each(Object.entries(FAMILIES))(
    '%s: the recorded graph has the values and gradients of tfjs',
    async (name, { tolerance, cases }) => {
      await fc.assert(
        fc.asyncProperty(cases, async (drawn) => {
          const test: AgreementCase = { ...drawn, name, fn: drawn.fn as AgreementCase['fn'] };
          const upstream = outputShape(test);
          const expected = await runOn(reference, test, upstream);
          const actual = await runOn(onnx, test, upstream);
          for (const [output, values] of Object.entries(expected)) {
            expect(relativeDifference(actual[output] ?? [], values)).toBeLessThan(tolerance);
          }
        }),
        { numRuns: RUNS, seed: 12 },
      );
    },
    TIMEOUT_MS,
  );
});
