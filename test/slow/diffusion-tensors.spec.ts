import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createSampler, createTrainer } from '@tributary/diffusion';
import { embeddingRows } from '@tributary/protocol';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { buildRecipe } from '../factories/recipe.js';

const STEPS = 500;
const SAMPLES = 100;
const TIMEOUT_MS = 300_000;

const recipe = buildRecipe({ count: 10, localSteps: 50 });
const classRows = embeddingRows(recipe, 1);
const { batchSize } = recipe.rounds;

describe('tensors of a long training', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ name: 'onnx', threads: 1 });
  });
  afterAll(() => engine.dispose());

  it(
    `are as many after ${STEPS} steps and ${SAMPLES} samples as after the first ones`,
    async () => {
      const trainer = await createTrainer({ engine, recipe, classRows });
      trainer.setWeights(trainer.initialWeights(recipe.seed));
      const images = new Float32Array(batchSize * recipe.image.sizePx ** 2);
      randomStream(1, 'images').fillUniform(images);
      const train = async (from: number, to: number): Promise<void> => {
        for (let globalStep = from; globalStep < to; globalStep++) {
          const random = randomStream(1, 'step', globalStep);
          await trainer.step({ images, classRows: new Int32Array(batchSize), random, globalStep });
        }
      };
      const generator = await createSampler({ engine, recipe, classRows, weights: await trainer.weights() });
      const sample = (count: number): Promise<Float32Array[]> =>
        generator.generate({ seeds: Array.from({ length: count }, (_, i) => i), classRows: new Int32Array(count) });

      // What is made once and kept shows in the first step and the first sample.
      await train(0, 1);
      await sample(1);
      const before = tf.memory();
      await train(1, STEPS);
      expect(await sample(SAMPLES)).toHaveLength(SAMPLES);
      const after = tf.memory();
      expect([after.numTensors, after.numBytes]).toEqual([before.numTensors, before.numBytes]);
      await generator.dispose();
      await trainer.dispose();
    },
    TIMEOUT_MS,
  );
});
