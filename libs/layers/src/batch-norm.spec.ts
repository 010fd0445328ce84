import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from '@jest/globals';
import { openEngine } from '@tributary/engines';
import type { StepFunction } from '@tributary/tensor';
import { batchNorm, batchNormTraining } from './batch-norm.js';

const vector = { shape: [1] };
const none = tf.scalar;

/** One channel, two pixels: trains on the batch, then normalises it by the running statistics. */
const step: StepFunction = ({ x = none(0) }, { mean = none(0), variance = none(0) }) => {
  const parameters = {
    gamma: tf.tensor1d([1]),
    beta: tf.tensor1d([0]),
    runningMean: tf.reshape<tf.Rank.R1>(mean, [1]),
    runningVariance: tf.reshape<tf.Rank.R1>(variance, [1]),
  };
  const { y, runningMean, runningVariance } = batchNormTraining(x, parameters);
  return {
    outputs: { trained: y, used: batchNorm(x, { ...parameters, runningMean, runningVariance }, { epsilon: 0 }) },
    state: { mean: runningMean, variance: runningVariance },
  };
};

describe.each(['onnx', 'reference'] as const)('batch normalisation (%s)', (name) => {
  it('normalises by the batch in training, and keeps running statistics as PyTorch does', async () => {
    const engine = await openEngine({ name, threads: 1 });
    const signature = { inputs: { x: { shape: [1, 2, 1, 1] } }, state: { mean: vector, variance: vector } };
    const program = await engine.compile(step, signature);
    program.writeState('variance', Float32Array.of(1));
    // Values 3 and 7: mean 5, variance 4, unbiased 8. Running: 0.9 · 0 + 0.1 · 5 = 0.5 and 0.9 · 1 + 0.1 · 8 = 1.7.
    const { trained, used } = await program.run({ x: Float32Array.of(3, 7) });
    expect(trained?.[0]).toBeCloseTo(-2 / Math.sqrt(4 + 1e-5), 5);
    expect(used?.[1]).toBeCloseTo((7 - 0.5) / Math.sqrt(1.7), 5);
    expect((await program.readState('mean'))[0]).toBeCloseTo(0.5, 6);
    expect((await program.readState('variance'))[0]).toBeCloseTo(1.7, 6);
    await program.dispose();
    await engine.dispose();
  });
});
