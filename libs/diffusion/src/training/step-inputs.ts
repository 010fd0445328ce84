import type { Recipe } from '@tributary/protocol';
import { imageValues } from '@tributary/protocol/image-shape';
import { learningRateAt, totalStepsOf } from '@tributary/protocol/learning-rate';
import { adamWScalars, type LossScale } from '@tributary/layers';
import { drawDropoutMasks } from '../network/dropout.js';
import type { Network } from '../network/unet.js';
import type { DiffusionModel } from '../parameterisation/diffusion-model.js';
import { lossScaleInputs } from './loss-scaling.js';
import { strategyInputs } from './strategy-gradient.js';
import type { TrainingStep } from './trainer.js';
import { drawTrainingBatch } from './training-batch.js';
import { dropoutInputs } from './training-step.js';

/** What of a trainer is the same for every step. */
export interface StepSettings {
  readonly network: Network;
  readonly model: DiffusionModel;
  readonly recipe: Recipe;
  readonly classRows: number;
}

/** Everything that a step reads. */
export interface StepInputs {
  /** Arrays [batch, …]. */
  readonly batch: Record<string, Float32Array | Int32Array>;
  /** Numbers that are the same for every part. */
  readonly fixed: Record<string, Float32Array>;
}

/** What of a trainer changes with every step. */
export interface StepCounters {
  /** 1 for the first step that the moments see. */
  readonly step: number;
  readonly emaDecay: number;
  /** In float16 only. */
  readonly lossScale: LossScale | undefined;
}

/** @throws RangeError when sizes do not fit the recipe. */
export function stepInputs(
  request: TrainingStep,
  settings: StepSettings,
  { step, emaDecay, lossScale }: StepCounters,
): StepInputs {
  const { network, recipe } = settings;
  assertBatch(request, recipe);
  const { globalStep, learningRateScale = 1 } = request;
  const learningRate = learningRateScale * learningRateAt(recipe.optimiser, globalStep, totalStepsOf(recipe));
  const { condition, bound, ...drawn } = drawTrainingBatch(request, settings);
  const dropout = { batchSize: recipe.rounds.batchSize, rate: recipe.network.dropout };
  return {
    batch: {
      ...drawn,
      ...(condition.length > 0 && { condition }),
      ...(bound.length > 0 && { bound }),
      ...dropoutInputs(drawDropoutMasks(network.dropoutSites, dropout, request.random)),
    },
    fixed: {
      ...strategyInputs(recipe.strategy),
      ...lossScaleInputs(lossScale),
      scalars: adamWScalars({ step, learningRate, emaDecay }, recipe.optimiser),
    },
  };
}

function assertBatch({ images, classRows }: TrainingStep, { image, rounds }: Recipe): void {
  const size = rounds.batchSize * imageValues(image);
  if (images.length !== size) throw new RangeError(`a batch has ${size} values, got ${images.length}`);
  if (classRows.length !== rounds.batchSize) {
    throw new RangeError(`a batch has ${rounds.batchSize} class rows, got ${classRows.length}`);
  }
}
