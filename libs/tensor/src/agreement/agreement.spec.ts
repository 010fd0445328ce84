import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { useMendedCpu } from '../engines/mended-cpu.js';
import { openEngine } from '../engines/open-engine.js';
import type { Engine } from '../program.js';
import { normal, outputShape, relativeDifference, runOn, type AgreementCase } from './agreement.spec-support.js';
import { probeChannelBlock } from '../engines/channel-block-probe.js';
import { AGREEMENT_CASES } from './cases.spec-support.js';

/** float32: sums of up to some thousand products in another order. */
const TOLERANCE = 2e-5;

/** The reference is slow, and slower where other work runs beside it. */
const TIMEOUT_MS = 30_000;

describe('the recorded graph and tfjs', () => {
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

  it.each(AGREEMENT_CASES.map((test) => [test.name, test] as const))(
    'agree on %s',
    async (_, test) => {
      const shape = outputShape(test);
      const expected = await runOn(reference, test, shape);
      const actual = await runOn(onnx, test, shape);
      expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
      for (const [name, values] of Object.entries(expected)) {
        expect({ name, isClose: relativeDifference(actual[name] ?? [], values) < TOLERANCE }).toEqual({
          name,
          isClose: true,
        });
      }
    },
    TIMEOUT_MS,
  );

  it(
    'agree on convolutions of blocks of channels, in the blocked layout where this processor has one',
    async () => {
      const blocked = await openEngine({ name: 'onnx', threads: 1, layout: 'blocked' });
      for (const strides of [1, 2]) {
        const test: AgreementCase = {
          name: `blocked convolution, stride ${strides}`,
          inputs: [normal(2, 7, 9, 32), normal(3, 3, 32, 16)],
          fn: (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, 'same'),
        };
        const shape = outputShape(test);
        const expected = await runOn(onnx, test, shape);
        const actual = await runOn(blocked, test, shape);
        for (const name of ['y', 'dx0', 'dx1']) {
          expect(relativeDifference(actual[name] ?? [], expected[name] ?? [])).toBeLessThan(TOLERANCE);
        }
      }
      expect([undefined, 8, 16]).toContain(await probeChannelBlock());
    },
    TIMEOUT_MS,
  );
});
