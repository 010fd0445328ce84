import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { useMendedCpu } from '../mended-cpu.js';
import { openEngine } from '../open-engine.js';
import { conv2d } from '@tributary/layers';
import type { Engine } from '@tributary/tensor';
import { type AgreementCase, normal, outputShape, relativeDifference, runOn } from './agreement.spec-support.js';

const TOLERANCE = 2e-5;
const RUNS = 25;
/** Generous: other work may run beside it. */
const TIMEOUT_MS = 60_000;

const geometry = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    height: fc.integer({ min: 3, max: 9 }),
    width: fc.integer({ min: 3, max: 9 }),
    perGroup: fc.integer({ min: 1, max: 4 }),
    outPerGroup: fc.integer({ min: 1, max: 4 }),
    groups: fc.integer({ min: 1, max: 2 }),
    kernelHeight: fc.integer({ min: 1, max: 3 }),
    kernelWidth: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 3 }),
    padding: fc.integer({ min: 0, max: 2 }),
  })
  .map((size) => ({ ...size, padding: Math.min(size.padding, size.kernelHeight - 1, size.kernelWidth - 1) }));

describe('convolutions of any geometry', () => {
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

  it(
    'agree with tfjs: outputs and both gradients',
    async () => {
      await fc.assert(
        fc.asyncProperty(geometry, async (size) => {
          const { groups, stride, padding } = size;
          const test: AgreementCase = {
            name: JSON.stringify(size),
            inputs: [
              normal(size.batch, size.height, size.width, size.perGroup * groups),
              normal(size.outPerGroup * groups, size.perGroup, size.kernelHeight, size.kernelWidth),
            ],
            fn: (x, w) => conv2d(x as tf.Tensor4D, w as tf.Tensor4D, undefined, { groups, stride, padding }),
          };
          const shape = outputShape(test);
          const expected = await runOn(reference, test, shape);
          const actual = await runOn(onnx, test, shape);
          for (const name of ['y', 'dx0', 'dx1']) {
            expect(relativeDifference(actual[name] ?? [], expected[name] ?? [])).toBeLessThan(TOLERANCE);
          }
        }),
        { numRuns: RUNS, seed: 4 },
      );
    },
    TIMEOUT_MS,
  );
});
