import { createTrainer } from '@tributary/diffusion';
import { embeddingRows, type Recipe } from '@tributary/protocol/recipe';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import { SITE_COUNT, type LabelledImages } from './phantom-images.js';

/** The average of weights looks back so many steps, or this part of a short training: its first weights must be forgotten. */
const EMA_STEPS = 200;
const EMA_PART = 1 / 7.5;
/** The reported loss is the mean of so many last steps. */
const LOSS_STEPS = 200;

export interface TrainedCase {
  readonly weights: Float32Array;
  readonly loss: number;
  readonly seconds: number;
}

export interface TrainingRequest {
  readonly engine: Engine;
  readonly recipe: Recipe;
  readonly images: LabelledImages;
  readonly signal: AbortSignal;
  readonly onStep: (step: number) => void;
}

/** Trains the recipe's network on pooled images for all local steps of its one round; gives the averaged weights. */
export async function trainCase({ engine, recipe, images, signal, onStep }: TrainingRequest): Promise<TrainedCase> {
  const startMs = performance.now();
  const classRows = embeddingRows(recipe, SITE_COUNT);
  const { localSteps } = recipe.rounds;
  const emaDecay = 1 - 1 / Math.max(1, Math.min(EMA_STEPS, EMA_PART * localSteps));
  const trainer = await createTrainer({ engine, recipe, classRows, emaDecay });
  let lossSum = 0;
  try {
    trainer.setWeights(trainer.initialWeights(recipe.seed));
    for (let globalStep = 0; globalStep < localSteps; globalStep++) {
      signal.throwIfAborted();
      const random = randomStream(recipe.seed, 'training', globalStep);
      const { loss } = await trainer.step({ ...drawBatch(images, recipe, globalStep), random, globalStep });
      if (globalStep >= localSteps - LOSS_STEPS) lossSum += loss;
      onStep(globalStep + 1);
    }
    const seconds = (performance.now() - startMs) / 1000;
    return { weights: await trainer.averagedWeights(), loss: lossSum / Math.min(LOSS_STEPS, localSteps), seconds };
  } finally {
    await trainer.dispose();
  }
}

/** Random images, drawn with replacement. */
function drawBatch({ images, classRows }: LabelledImages, { rounds, seed }: Recipe, step: number): LabelledImages {
  const random = randomStream(seed, 'batch', step);
  const size = images.length / classRows.length;
  const chosen = Int32Array.from({ length: rounds.batchSize }, () => random.integer(classRows.length));
  const batch = new Float32Array(chosen.length * size);
  chosen.forEach((index, row) => batch.set(images.subarray(index * size, (index + 1) * size), row * size));
  return { images: batch, classRows: chosen.map((index) => classRows[index] ?? 0) };
}
