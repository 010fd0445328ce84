import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from '@jest/globals';
import { subgraphs } from '@tributary/onnx-graph/graph/graph';
import { at, estimatePeakBytes } from '@tributary/onnx-graph';
import { loopSteps } from './loop-steps.js';
import { record } from './record.js';

const STEPS = 4;

const recording = record(
  ({ x = tf.scalar(0) }, { total = tf.scalar(0), offset = tf.scalar(0) }) => {
    const next = tf.add(total, tf.exp(tf.sub(x, offset)));
    return { outputs: { largest: tf.max(next) }, state: { total: next } };
  },
  {
    inputs: { x: { shape: [3] }, unread: { shape: [2] } },
    state: { total: { shape: [3] }, offset: { shape: [3] } },
  },
);

describe('loopSteps', () => {
  const loop = loopSteps(recording, STEPS);
  const body = at(loop.graph.nodes.flatMap(subgraphs), 0);

  it('is one loop over stacked inputs and outputs that carries only the state that changes', () => {
    expect(loop.graph.nodes.map(({ op }) => op)).toEqual(['Loop']);
    expect(loop.inputs.map(({ shape }) => shape)).toEqual([
      [STEPS, 3],
      [STEPS, 2],
    ]);
    expect(loop.outputs.map(({ shape }) => shape)).toEqual([[STEPS]]);
    expect(loop.nextState.map(({ name, shape }) => ({ name, shape }))).toEqual([{ name: 'total', shape: [3] }]);
    expect(body.inputs.map(({ name }) => name)).toEqual(['loop.iteration', 'loop.condition', 'state.total']);
  });

  it('takes a row of those stacks only that the step reads', () => {
    const gathers = body.nodes.filter(({ op }) => op === 'Gather');
    expect(gathers.map(({ inputs }) => inputs[0]?.name)).toEqual(['stacked.in.x']);
  });

  it('needs the memory of the stacks and of one step', () => {
    const stackBytes = 4 * STEPS * (3 + 2 + 1);
    expect(estimatePeakBytes(loop.graph)).toBeGreaterThanOrEqual(stackBytes + estimatePeakBytes(body));
    expect(estimatePeakBytes(body)).toBeGreaterThan(4 * 3 * 3);
  });
});
