import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { relativeDifference } from '@tributary/engines/agreement/agreement.spec-support';
import { openEngine } from '@tributary/engines';
import { at } from '@tributary/onnx-graph';
import { linear } from '../linear.js';
import type { Engine } from '@tributary/tensor';
import { clippedGradient } from './clipped-gradient.js';
import {
  clipAndSum,
  type ClippedArrays,
  clippedOn,
  CLIPPING_CASES,
  type ClippingCase,
  convolutionCase,
  medianNorm,
  oneByOne,
  tensorNamed,
} from './clipped-gradient.spec-support.js';

const TOLERANCE = 2e-5;
const BATCH = 4;
const TIMEOUT_MS = 30_000;

const geometry = fc
  .record({
    size: fc.tuple(fc.integer({ min: 3, max: 8 }), fc.integer({ min: 3, max: 8 })),
    kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    from: fc.integer({ min: 1, max: 4 }),
    to: fc.integer({ min: 1, max: 4 }),
    groups: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 3 }),
    padding: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ from, to, groups, kernel, padding, ...rest }) => ({
    ...{ ...rest, kernel, groups, padding: Math.min(padding, kernel[0] - 1, kernel[1] - 1) },
    channels: [from * groups, to * groups] as const,
  }));

describe('clippedGradient', () => {
  let onnx: Engine;
  let reference: Engine;

  beforeAll(async () => {
    onnx = await openEngine({ name: 'onnx', threads: 1 });
    reference = await openEngine({ name: 'reference' });
  });

  afterAll(async () => {
    await onnx.dispose();
    await reference.dispose();
  });

  async function expectOneByOne(engines: readonly Engine[], test: ClippingCase): Promise<void> {
    const examples = await oneByOne(reference, test, BATCH);
    const clipNorm = medianNorm(examples);
    const expected = clipAndSum(examples, clipNorm);
    for (const engine of engines) expectSame(await clippedOn(engine, test, { batch: BATCH, clipNorm }), expected);
  }

  function expectSame(actual: ClippedArrays, expected: ClippedArrays): void {
    for (const name of ['gradient', 'norms', 'losses'] satisfies (keyof ClippedArrays)[]) {
      expect({ name, isClose: relativeDifference(actual[name], expected[name]) < TOLERANCE }).toEqual({
        name,
        isClose: true,
      });
    }
  }

  it.each(CLIPPING_CASES.map((test) => [test.name, test] as const))(
    'is the sum of clipped gradients one by one, recorded and eagerly: %s',
    (_, test) => expectOneByOne([onnx, reference], test),
    TIMEOUT_MS,
  );

  it(
    'agrees with gradients one by one for convolutions of any geometry',
    async () => {
      await fc.assert(
        fc.asyncProperty(geometry, (options) => expectOneByOne([onnx], convolutionCase(options))),
        { numRuns: 10, seed: 4 },
      );
    },
    TIMEOUT_MS,
  );

  describe('refuses, by name,', () => {
    const messageOf = (forward: (p: tf.Tensor2D, x: tf.Tensor) => tf.Tensor): Promise<unknown> => {
      const manifest = [{ name: 'block.weight', shape: [3, 3] }];
      const step = onnx.compile(
        ({ x, flat }) => ({
          outputs: {
            ...clippedGradient(
              (p) => tf.sum(forward(tensorNamed(p, 'block.weight'), at([x], 0)), 1),
              flat as tf.Tensor1D,
              {
                manifest,
                clipNorm: 1,
              },
            ),
          },
        }),
        { inputs: { x: { shape: [2, 3] }, flat: { shape: [9] } } },
      );
      return step.then(
        () => 'compiled',
        (error: unknown) => String(error),
      );
    };

    it('a parameter in an operation without a rule', async () => {
      expect(await messageOf((w, x) => tf.matMul(x as tf.Tensor2D, w))).toContain(
        'block.weight is used by BatchMatMul',
      );
      expect(await messageOf((w, x) => tf.add(linear(x, w), tf.sum(w)))).toContain('block.weight is used by Sum');
      expect(await messageOf((w, x) => tf.mul(x, tf.slice(tf.reshape(w, [9]), 0, 3)))).toContain(
        'block.weight is used by Slice',
      );
    });

    it('a parameter in two layers', async () => {
      expect(await messageOf((w, x) => linear(linear(x, w), w))).toContain('block.weight is used again by linear');
    });

    it('a parameter as the input of a layer', async () => {
      expect(
        await messageOf((w, x) => tf.add(linear(w, tf.matMul(x as tf.Tensor2D, x as tf.Tensor2D, true)), 0)),
      ).toContain('block.weight is used by linear');
    });

    it('a layer that does not see every example', async () => {
      expect(await messageOf((w, x) => tf.add(x, linear(tf.sum(x, 0, true), w)))).toContain('linear gives [1, 3]');
    });
  });
});
