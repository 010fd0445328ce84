import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from '@jest/globals';
import { openEngine } from '../engines/open-engine.js';
import { normal, outputShape, relativeDifference, runOn, type AgreementCase } from './agreement.spec-support.js';
import { probeChannelBlock } from '../engines/channel-block-probe.js';
import { describeAgreement } from './agreement-suite.spec-support.js';

/** float32: sums of up to some thousand products in another order. */
const TOLERANCE = 2e-5;

/** The reference is slow, and slower where other work runs beside it. */
const TIMEOUT_MS = 30_000;

describeAgreement('the recorded graph in ONNX Runtime', () => openEngine({ name: 'onnx', threads: 1 }));

describe('the blocked layout', () => {
  it(
    'agrees with the plain one on convolutions of blocks of channels, where this processor has one',
    async () => {
      const onnx = await openEngine({ name: 'onnx', threads: 1 });
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
