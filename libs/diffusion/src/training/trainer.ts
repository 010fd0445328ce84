import { TributaryError, type Recipe } from '@tributary/protocol';
import {
  ADAMW_SCALARS,
  adamWScalars,
  adamWStep,
  valueAndGradient,
  type AdamWSettings,
  type Engine,
  type ParameterSpec,
  type Program,
  type RandomStream,
  type Tensors,
  type TensorSpec,
} from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { buildNetwork } from '../network/build-network.js';
import { drawDropoutMasks } from '../network/dropout.js';
import { tensorOf } from '../network/tensor-of.js';
import type { Network } from '../network/unet2d.js';
import { createDiffusionModel } from '../parameterisation/diffusion-model.js';
import { learningRateAt, totalStepsOf } from './learning-rate.js';
import { drawTrainingBatch } from './training-batch.js';

export interface TrainerOptions {
  readonly engine: Engine;
  readonly recipe: Recipe;
  /** Rows of the class embedding, as `embeddingRows` counts them. */
  readonly classRows: number;
  /** Share of the local average of weights that each step keeps; 0 (default) makes it the weights themselves. */
  readonly emaDecay?: number;
}

/** What training goes on from after a restart, besides the weights. */
export interface OptimiserState {
  readonly m: Float32Array;
  readonly v: Float32Array;
  /** Steps that the moments have seen. */
  readonly step: number;
}

export interface TrainingStep {
  /** [batch, height, width, channels] in [-1, 1]. */
  readonly images: Float32Array;
  /** [batch]: row of the class embedding of each image. */
  readonly classRows: Int32Array;
  /** Noise levels, noise, dropped conditions and flips come from here, and nothing else is random. */
  readonly random: RandomStream;
  /** 0-based local step over the whole run; places the step on the learning-rate schedule. */
  readonly globalStep: number;
  readonly learningRateScale?: number;
}

/** A recorded training step and its state: flat vectors in manifest order. */
export interface Trainer {
  readonly manifest: readonly ParameterSpec[];
  readonly parameterCount: number;
  /** First weights of a run. */
  initialWeights(seed: number): Float32Array;
  /** Takes over the global weights of a round; the optimiser's moments stay. */
  setWeights(weights: Float32Array): void;
  weights(): Float32Array;
  /** The local average of weights. */
  averagedWeights(): Float32Array;
  optimiserState(): OptimiserState;
  setOptimiserState(state: OptimiserState): void;
  /**
   * One optimiser step.
   *
   * @throws TributaryError `TRAIN_NOT_FINITE` with the step when the loss or the gradient is not finite.
   * @throws RangeError when sizes do not fit the recipe.
   */
  step(step: TrainingStep): Promise<{ loss: number; gradientNorm: number }>;
  dispose(): Promise<void>;
}

/** Records the training step of a recipe: loss, gradient, clipping, AdamW and average in one graph. */
export async function createTrainer(options: TrainerOptions): Promise<Trainer> {
  const { recipe, classRows, emaDecay = 0 } = options;
  const { sizePx, channels } = recipe.image;
  const network = buildNetwork(recipe.network, { imageSize: sizePx, channels, classRows });
  const program = await recordStep(network, options);
  const settings = { model: createDiffusionModel(recipe), recipe, classRows };
  const totalSteps = totalStepsOf(recipe);
  let seenSteps = 0;

  const step: Trainer['step'] = async (request) => {
    assertBatch(request, recipe);
    const { globalStep, learningRateScale = 1 } = request;
    const schedule = {
      step: seenSteps + 1,
      learningRate: learningRateScale * learningRateAt(recipe.optimiser, globalStep, totalSteps),
      emaDecay,
    };
    const batch = drawTrainingBatch(request, settings);
    const masks = drawDropoutMasks(
      network.dropoutSites,
      { batchSize: recipe.rounds.batchSize, rate: recipe.network.dropout },
      request.random,
    );
    const outputs = await program.run({
      ...batch,
      ...withPrefix(MASK_PREFIX, masks),
      scalars: adamWScalars(schedule, recipe.optimiser),
    });
    const loss = outputs['loss']?.[0] ?? NaN;
    const gradientNorm = outputs['gradientNorm']?.[0] ?? NaN;
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
      throw new TributaryError('TRAIN_NOT_FINITE', { detail: `at step ${globalStep}`, step: globalStep });
    }
    seenSteps++;
    return { loss, gradientNorm };
  };

  return {
    manifest: network.manifest,
    parameterCount: network.parameterCount,
    initialWeights: network.initial,
    setWeights: (weights) => {
      program.writeState('weights', weights);
    },
    weights: () => program.readState('weights'),
    averagedWeights: () => program.readState('ema'),
    optimiserState: () => ({ m: program.readState('m'), v: program.readState('v'), step: seenSteps }),
    setOptimiserState: ({ m, v, step: seen }) => {
      program.writeState('m', m);
      program.writeState('v', v);
      seenSteps = seen;
    },
    step,
    dispose: () => program.dispose(),
  };
}

function recordStep(network: Network, { engine, recipe }: TrainerOptions): Promise<Program> {
  const { sizePx, channels } = recipe.image;
  const { batchSize } = recipe.rounds;
  const settings: AdamWSettings = recipe.optimiser;
  const images = { shape: [batchSize, sizePx, sizePx, channels] };
  const flat = { shape: [network.parameterCount] };
  return engine.compile(
    (inputs, state) => {
      const weights = tensorOf(state, 'weights', tf.Rank.R1);
      const { value: loss, gradient } = valueAndGradient(
        (parameters) => {
          const context = { parameters, dropoutMasks: masksOf(network, inputs) };
          const output = network.forward(context, tensorOf(inputs, 'image', tf.Rank.R4), {
            noiseLevel: tensorOf(inputs, 'noiseLevel', tf.Rank.R1),
            classRow: tensorOf(inputs, 'classRow', tf.Rank.R1),
          });
          const squared = tf.square(tf.sub(output, tensorOf(inputs, 'target', tf.Rank.R4)));
          const perExample = tf.mean(tf.reshape(squared, [batchSize, -1]), 1);
          return tf.mean(tf.mul(perExample, tensorOf(inputs, 'weight', tf.Rank.R1)));
        },
        weights,
        network.manifest,
      );
      const next = adamWStep(
        {
          weights,
          m: tensorOf(state, 'm', tf.Rank.R1),
          v: tensorOf(state, 'v', tf.Rank.R1),
          ema: tensorOf(state, 'ema', tf.Rank.R1),
        },
        { gradient, scalars: tensorOf(inputs, 'scalars', tf.Rank.R1) },
        settings,
      );
      return { outputs: { loss, gradientNorm: next.gradientNorm }, state: { ...next.state } };
    },
    {
      inputs: {
        image: images,
        target: images,
        weight: { shape: [batchSize] },
        noiseLevel: { shape: [batchSize] },
        classRow: { shape: [batchSize], dtype: 'int32' },
        scalars: { shape: [ADAMW_SCALARS] },
        ...maskSpecs(network, batchSize),
      },
      state: { weights: flat, m: flat, v: flat, ema: flat },
    },
    { label: 'training step' },
  );
}

/** Dropout masks travel among the step's inputs under their block's name with this prefix. */
const MASK_PREFIX = 'dropout ';

function maskSpecs({ dropoutSites }: Network, batchSize: number): Record<string, TensorSpec> {
  const specs = dropoutSites.map(({ name, shape }) => [name, { shape: [batchSize, ...shape] }] as const);
  return withPrefix(MASK_PREFIX, Object.fromEntries(specs));
}

function masksOf({ dropoutSites }: Network, inputs: Tensors): Tensors {
  return Object.fromEntries(dropoutSites.map(({ name }) => [name, tensorOf(inputs, MASK_PREFIX + name, tf.Rank.R4)]));
}

function withPrefix<T>(prefix: string, values: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));
}

function assertBatch({ images, classRows }: TrainingStep, { image, rounds }: Recipe): void {
  const size = rounds.batchSize * image.sizePx ** 2 * image.channels;
  if (images.length !== size) throw new RangeError(`a batch has ${size} values, got ${images.length}`);
  if (classRows.length !== rounds.batchSize) {
    throw new RangeError(`a batch has ${rounds.batchSize} class rows, got ${classRows.length}`);
  }
}
