import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import { openEngine } from '@tributary/engines';
import { parameterCount } from '@tributary/layers';
import type { Engine } from '@tributary/tensor';
import { initialLesionWeights, lesionManifest, logisticLoss } from './lesion-network.js';

describe('logisticLoss', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await openEngine({ name: 'reference' });
  });

  afterAll(() => engine.dispose());

  async function lossOf(logits: number[], labels: number[]): Promise<number> {
    const program = await engine.compile(
      ({ z = tf.tensor1d([]), y = tf.tensor1d([]) }) => ({
        outputs: { loss: logisticLoss(tf.reshape(z, [-1]), tf.reshape(y, [-1])) },
      }),
      { inputs: { z: { shape: [logits.length] }, y: { shape: [labels.length] } } },
    );
    const { loss } = await program.run({ z: Float32Array.from(logits), y: Float32Array.from(labels) });
    await program.dispose();
    return loss?.[0] ?? NaN;
  }

  it('is the mean of -ln p of the right answers', async () => {
    const p = (z: number) => 1 / (1 + Math.exp(-z));
    const expected = -(Math.log(p(0.3)) + Math.log(1 - p(-1.2)) + Math.log(1 - p(2))) / 3;
    expect(await lossOf([0.3, -1.2, 2], [1, 0, 0])).toBeCloseTo(expected, 6);
  });

  it('neither overflows nor vanishes for extreme log odds', async () => {
    expect(await lossOf([200, -200], [0, 1])).toBeCloseTo(200, 3);
    expect(await lossOf([200, -200], [1, 0])).toBe(0);
  });
});

describe('initialLesionWeights', () => {
  const manifest = lesionManifest(1);

  it('fills filters by their fan-in, scales with one and the rest with zero', () => {
    const weights = initialLesionWeights(manifest, 3);
    let offset = 0;
    for (const { name, shape } of manifest) {
      const part = weights.subarray(offset, (offset += parameterCount([{ name, shape }])));
      const meanSquare = part.reduce((sum, value) => sum + value * value, 0) / part.length;
      if (shape.length === 4) expect(meanSquare * (part.length / (shape[0] ?? 1))).toBeCloseTo(2, 0);
      else expect(meanSquare).toBe(name.endsWith('norm.weight') ? 1 : 0);
    }
    expect(offset).toBe(weights.length);
  });

  it('is the same for the same seed and another for another', () => {
    expect(initialLesionWeights(manifest, 3)).toEqual(initialLesionWeights(manifest, 3));
    expect(initialLesionWeights(manifest, 4)).not.toEqual(initialLesionWeights(manifest, 3));
  });
});
