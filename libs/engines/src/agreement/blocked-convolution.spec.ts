import type * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { probeChannelBlock } from '../onnx/channel-block-probe.js';
import { openEngine } from '../open-engine.js';
import { conv2d, convTranspose2d, upsampledConv2d, upsampleNearest2d } from '@tributary/layers';
import type { Engine } from '@tributary/tensor';
import { type AgreementCase, normal, relativeDifference, runOn } from './agreement.spec-support.js';

/** float32: sums of up to some ten thousand products in another order. */
const TOLERANCE = 2e-5;
const RUNS = 40;
/** Generous: other work may run beside it. */
const TIMEOUT_MS = 60_000;
const BLOCK = 16;

const geometry = fc
  .record({
    batch: fc.constantFrom(1, 2, 3, 16, 17),
    height: fc.integer({ min: 1, max: 12 }),
    width: fc.integer({ min: 1, max: 12 }),
    inChannels: fc.constantFrom(8, 16, 17, 32),
    outChannels: fc.constantFrom(16, 32, 40),
    kernel: fc.integer({ min: 1, max: 5 }),
    stride: fc.integer({ min: 1, max: 3 }),
    padding: fc.integer({ min: 0, max: 2 }),
  })
  .filter(({ height, width, kernel, padding }) => Math.min(height, width) + 2 * padding >= kernel);

jest.setTimeout(TIMEOUT_MS);

describe('convolutions of blocks of channels', () => {
  let plain: Engine;
  let blocked: Engine;

  beforeAll(async () => {
    plain = await openEngine({ name: 'onnx', threads: 1, layout: 'plain' });
    blocked = await openEngine({ name: 'onnx', threads: 1, layout: 'blocked' });
  });

  afterAll(async () => {
    await plain.dispose();
    await blocked.dispose();
  });

  /** Output and both gradients; the plain layout is held to tfjs elsewhere. */
  async function expectAgreement(test: AgreementCase, outputShape: readonly number[], expectedTest = test) {
    const expected = await runOn(plain, expectedTest, outputShape);
    const actual = await runOn(blocked, test, outputShape);
    for (const name of ['y', 'dx0', 'dx1']) {
      expect(relativeDifference(actual[name] ?? [], expected[name] ?? [])).toBeLessThan(TOLERANCE);
    }
  }

  it('are blocked where this processor has vectors of eight or sixteen numbers', async () => {
    expect([undefined, 8, 16]).toContain(await probeChannelBlock());
  });

  it('agree with the plain layout in any geometry', async () => {
    await fc.assert(
      fc.asyncProperty(geometry, async ({ batch, height, width, inChannels, outChannels, kernel, stride, padding }) => {
        const test: AgreementCase = {
          name: 'blocked convolution',
          inputs: [normal(batch, height, width, inChannels), normal(outChannels, inChannels, kernel, kernel)],
          fn: (x, w) => conv2d(x as tf.Tensor4D, w as tf.Tensor4D, undefined, { stride, padding }),
        };
        const size = [height, width].map((length) => Math.floor((length + 2 * padding - kernel) / stride) + 1);
        await expectAgreement(test, [batch, ...size, outChannels]);
      }),
      { numRuns: RUNS, seed: 5 },
    );
  });

  it.each([
    { batch: 1, height: 16, kernel: 3, inChannels: 1 },
    { batch: 3, height: 5, kernel: 5, inChannels: 17 },
    { batch: 2, height: 7, kernel: 4, inChannels: BLOCK },
  ])('agree where rows are whole blocks: %j', async ({ batch, height, kernel, inChannels }) => {
    const padding = Math.floor(kernel / 2);
    const test: AgreementCase = {
      name: 'blocked convolution of whole rows',
      inputs: [normal(batch, height, 2 * BLOCK, inChannels), normal(2 * BLOCK, inChannels, kernel, kernel)],
      fn: (x, w) => conv2d(x as tf.Tensor4D, w as tf.Tensor4D, undefined, { padding }),
    };
    const size = [height, 2 * BLOCK].map((length) => length + 2 * padding - kernel + 1);
    await expectAgreement(test, [batch, ...size, 2 * BLOCK]);
  });

  it.each([
    { batch: 4, width: 8, kernel: 3, inChannels: BLOCK },
    { batch: 8, width: 4, kernel: 3, inChannels: 17 },
    { batch: 2, width: 24, kernel: 5, inChannels: 1 },
  ])('agree where a block of pixels is of several images: %j', async ({ batch, width, kernel, inChannels }) => {
    const test: AgreementCase = {
      name: 'blocked convolution of narrow images',
      inputs: [normal(batch, 6, width, inChannels), normal(2 * BLOCK, inChannels, kernel, kernel)],
      fn: (x, w) => conv2d(x as tf.Tensor4D, w as tf.Tensor4D, undefined, { padding: (kernel - 1) / 2 }),
    };
    await expectAgreement(test, [batch, 6, width, 2 * BLOCK]);
  });

  it.each([
    { stride: 1, size: [128, 96] },
    { stride: 2, size: [172, 160] },
  ])('agree where an image is read in strips: stride $stride', async ({ stride, size }) => {
    const [height = 0, width = 0] = size;
    const test: AgreementCase = {
      name: 'blocked convolution in strips',
      inputs: [normal(1, height, width, BLOCK), normal(BLOCK, BLOCK, 3, 3)],
      fn: (x, w) => conv2d(x as tf.Tensor4D, w as tf.Tensor4D, undefined, { stride, padding: 1 }),
    };
    await expectAgreement(test, [1, height / stride, width / stride, BLOCK]);
  });

  it.each([
    { stride: 2, kernel: 4, padding: 1, outputPadding: 0 },
    { stride: 2, kernel: 3, padding: 1, outputPadding: 1 },
    { stride: 3, kernel: 6, padding: 2, outputPadding: 1 },
    { stride: 2, kernel: 2, padding: 0, outputPadding: 0 },
  ])('agree when transposed: %j', async (options) => {
    const { stride, kernel, padding, outputPadding } = options;
    const test: AgreementCase = {
      name: 'blocked transposed convolution',
      inputs: [normal(2, 5, 7, 2 * BLOCK), normal(2 * BLOCK, BLOCK, kernel, kernel)],
      fn: (x, w) => convTranspose2d(x as tf.Tensor4D, w as tf.Tensor4D, undefined, { stride, padding, outputPadding }),
    };
    const size = [5, 7].map((length) => (length - 1) * stride - 2 * padding + kernel + outputPadding);
    await expectAgreement(test, [2, ...size, BLOCK]);
  });

  it.each([3, 5])('agree with enlarging first where enlarged images are convolved: kernel %i', async (kernel) => {
    const inputs = [normal(2, 5, 7, 2 * BLOCK), normal(BLOCK, 2 * BLOCK, kernel, kernel)];
    const merged: AgreementCase = {
      name: 'enlarged convolution',
      inputs,
      fn: (x, w) => upsampledConv2d(x as tf.Tensor4D, w as tf.Tensor4D),
    };
    const padding = (kernel - 1) / 2;
    const enlargedFirst: AgreementCase = {
      ...merged,
      fn: (x, w) => conv2d(upsampleNearest2d(x as tf.Tensor4D, 2), w as tf.Tensor4D, undefined, { padding }),
    };
    await expectAgreement(merged, [2, 10, 14, BLOCK], enlargedFirst);
  });
});
