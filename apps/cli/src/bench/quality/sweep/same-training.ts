import { createDiffusionModel } from '@tributary/diffusion/parameterisation/diffusion-model';
import { drawTrainingBatch } from '@tributary/diffusion/training/training-batch';
import type { Recipe } from '@tributary/protocol/recipe';
import { randomStream } from '@tributary/random';

/** Examples that are compared: enough for some at every noise level, where two weightings or densities may differ. */
const EXAMPLES = 256;

/** Side of the compared images; their values add nothing. */
const SIZE_PX = 2;

/** Numbers that agree to so many parts of themselves are the same: formulas of equal weights round differently. */
const TOLERANCE = 1e-5;

const CLASS_ROWS = 2;

/** All by which one training and its samples can differ from another's. */
export interface TrainingEssence {
  /** Equal where the process, what the raw output stands for and the kind of variance are. */
  readonly model: string;
  /** What the network is given and should answer, and the weights of its errors, in a few examples of one seed. */
  readonly numbers: readonly Float32Array[];
}

/** What a recipe trains. Score and noise, for one, have the same loss, and are two names for one training. */
export function trainingEssence(recipe: Recipe): TrainingEssence {
  const model = createDiffusionModel(recipe);
  const small = { ...recipe, image: { sizePx: SIZE_PX, channels: 1 } as const };
  const images = new Float32Array(EXAMPLES * SIZE_PX ** 2).fill(0.5);
  const batch = drawTrainingBatch(
    { images, classRows: new Int32Array(EXAMPLES), random: randomStream(recipe.seed, 'levels') },
    { model, recipe: small, classRows: CLASS_ROWS },
  );
  return {
    model: JSON.stringify([recipe.process, model.output, model.learnsVariance]),
    numbers: [batch.noiseLevel, batch.weight, batch.bound, batch.target, batch.image],
  };
}

/** Whether two recipes that agree in all but process and objective train the same weights and sample the same images. */
export function isSameTraining(a: TrainingEssence, b: TrainingEssence): boolean {
  return a.model === b.model && a.numbers.every((numbers, i) => isClose(numbers, b.numbers[i]));
}

function isClose(a: Float32Array, b: Float32Array | undefined): boolean {
  return a.every((value, i) => {
    const other = b?.[i] ?? Number.NaN;
    return Math.abs(value - other) <= TOLERANCE * Math.max(Math.abs(value), Math.abs(other));
  });
}
