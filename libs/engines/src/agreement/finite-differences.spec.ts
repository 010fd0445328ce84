import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { useMendedCpu } from '../mended-cpu.js';
import { product } from '@tributary/onnx-graph';
import {
  type AgreementCase,
  drawInputs,
  outputShape,
  relativeDifference,
  signatureOf,
  stepOf,
} from './agreement.spec-support.js';
import { AGREEMENT_CASES } from './cases.spec-support.js';

const PROBES = 4;
/** Central differences in float32 arithmetic: errors of order 1e-3 relative to the largest slope. */
const TOLERANCE = 2e-2;
const STEP = 1e-2;

/** Functions that jump or bend at places that random numbers hit with probability > 0 within one step. */
const BENDING = /max|min|relu|abs|clip|elu|prelu|where|avgPool and/i;

/** Σ dy · f(x), the number whose derivatives the gradients are. */
function objective(test: AgreementCase, arrays: Record<string, Float32Array | Int32Array>, shape: number[]): number {
  return tf.tidy(() => {
    const all = test.inputs.map(({ shape: inputShape, kind }, i) =>
      tf.tensor(arrays[`x${i}`] ?? [], [...inputShape], kind === 'index' ? 'int32' : 'float32'),
    );
    const y = Array.from(test.fn(...all).dataSync());
    const dy = arrays['dy'] ?? [];
    if (y.length !== product(shape)) throw new RangeError('the output changed its shape');
    return y.reduce((sum, value, i) => sum + value * (dy[i] ?? 0), 0);
  });
}

describe('gradients', () => {
  beforeAll(useMendedCpu);

  const smooth = AGREEMENT_CASES.filter((test) => !test.noGradient && !BENDING.test(test.name));

  it.each(smooth.map((test) => [test.name, test] as const))('of %s are the slopes of the function', (_, test) => {
    const shape = outputShape(test);
    const arrays = drawInputs(test, product(shape));
    const { inputs } = signatureOf(test, shape);
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([name, spec]) => [name, tf.tensor(arrays[name] ?? [], [...spec.shape], spec.dtype)]),
    );
    const { outputs } = stepOf(test)(tensors, {});
    test.inputs.forEach(({ kind, shape: inputShape }, i) => {
      if (kind === 'index') return;
      const values = arrays[`x${i}`];
      const gradient = outputs[`dx${i}`]?.dataSync();
      if (!values || !gradient) throw new RangeError('no gradient');
      const places = Array.from({ length: PROBES }, (__, k) => Math.floor((k * product(inputShape)) / PROBES));
      const slopes = places.map((place) => {
        const original = values[place] ?? 0;
        values[place] = original + STEP;
        const above = objective(test, arrays, shape);
        values[place] = original - STEP;
        const below = objective(test, arrays, shape);
        values[place] = original;
        return (above - below) / (2 * STEP);
      });
      const analytic = places.map((place) => gradient[place] ?? Number.NaN);
      expect({ input: i, slopes, analytic, isClose: relativeDifference(analytic, slopes) < TOLERANCE }).toMatchObject({
        isClose: true,
      });
    });
  });
});
