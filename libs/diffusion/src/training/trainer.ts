import { TributaryError, type Recipe } from '@tributary/protocol';
import { adamWScalars, type Engine, type ParameterSpec, type RandomStream } from '@tributary/tensor';
import { buildNetwork } from '../network/build-network.js';
import { drawDropoutMasks } from '../network/dropout.js';
import type { Network } from '../network/unet2d.js';
import { createDiffusionModel, type DiffusionModel } from '../parameterisation/diffusion-model.js';
import { learningRateAt, totalStepsOf } from './learning-rate.js';
import { strategyInputs, strategyVectors, type StrategyVector } from './strategy-gradient.js';
import { drawTrainingBatch } from './training-batch.js';
import { dropoutInputs, recordTrainingStep } from './training-step.js';

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

/** Flat vectors by name. */
export type StrategyState = Readonly<Partial<Record<StrategyVector, Float32Array>>>;

/** A recorded training step and its state: flat vectors in manifest order. */
export interface Trainer {
  readonly manifest: readonly ParameterSpec[];
  readonly parameterCount: number;
  /** First weights of a run. */
  initialWeights(seed: number): Float32Array;
  /** Takes over the global weights of a round; the optimiser's moments stay. */
  setWeights(weights: Float32Array): void;
  weights(): Promise<Float32Array>;
  /** The local average of weights. */
  averagedWeights(): Promise<Float32Array>;
  optimiserState(): Promise<OptimiserState>;
  setOptimiserState(state: OptimiserState): void;
  /** The vectors that the recipe's strategy keeps at a site; none for most strategies. */
  strategyState(): Promise<StrategyState>;
  /** Replaces those that are given. @throws RangeError for a vector that the strategy has not. */
  setStrategyState(vectors: StrategyState): void;
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
  const { engine, recipe, classRows, emaDecay = 0 } = options;
  const { sizePx, channels } = recipe.image;
  const network = buildNetwork(recipe.network, { imageSize: sizePx, channels, classRows });
  const program = await recordTrainingStep(network, { engine, recipe });
  const settings = { network, model: createDiffusionModel(recipe), recipe, classRows };
  let seenSteps = 0;
  return {
    manifest: network.manifest,
    parameterCount: network.parameterCount,
    initialWeights: network.initial,
    setWeights: (weights) => {
      program.writeState('weights', weights);
    },
    weights: () => program.readState('weights'),
    averagedWeights: () => program.readState('ema'),
    optimiserState: async () => ({
      m: await program.readState('m'),
      v: await program.readState('v'),
      step: seenSteps,
    }),
    setOptimiserState: ({ m, v, step }) => {
      program.writeState('m', m);
      program.writeState('v', v);
      seenSteps = step;
    },
    strategyState: async () => {
      const names = strategyVectors(recipe.strategy);
      return Object.fromEntries(
        await Promise.all(names.map(async (name) => [name, await program.readState(name)] as const)),
      );
    },
    setStrategyState: (vectors) => {
      for (const [name, vector] of Object.entries(vectors)) program.writeState(name, vector);
    },
    step: async (request) => {
      const outputs = await program.run(stepInputs(request, settings, { step: seenSteps + 1, emaDecay }));
      const loss = outputs['loss']?.[0] ?? NaN;
      const gradientNorm = outputs['gradientNorm']?.[0] ?? NaN;
      if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm)) {
        const { globalStep } = request;
        throw new TributaryError('TRAIN_NOT_FINITE', { detail: `at step ${globalStep}`, step: globalStep });
      }
      seenSteps++;
      return { loss, gradientNorm };
    },
    dispose: () => program.dispose(),
  };
}

interface StepSettings {
  readonly network: Network;
  readonly model: DiffusionModel;
  readonly recipe: Recipe;
  readonly classRows: number;
}

/** Everything that one run of the recorded graph reads. */
function stepInputs(
  request: TrainingStep,
  settings: StepSettings,
  { step, emaDecay }: { readonly step: number; readonly emaDecay: number },
): Record<string, Float32Array | Int32Array> {
  const { network, recipe } = settings;
  assertBatch(request, recipe);
  const { globalStep, learningRateScale = 1 } = request;
  const learningRate = learningRateScale * learningRateAt(recipe.optimiser, globalStep, totalStepsOf(recipe));
  const batch = drawTrainingBatch(request, settings);
  const dropout = { batchSize: recipe.rounds.batchSize, rate: recipe.network.dropout };
  return {
    ...batch,
    ...strategyInputs(recipe.strategy),
    ...dropoutInputs(drawDropoutMasks(network.dropoutSites, dropout, request.random)),
    scalars: adamWScalars({ step, learningRate, emaDecay }, recipe.optimiser),
  };
}

function assertBatch({ images, classRows }: TrainingStep, { image, rounds }: Recipe): void {
  const size = rounds.batchSize * image.sizePx ** 2 * image.channels;
  if (images.length !== size) throw new RangeError(`a batch has ${size} values, got ${images.length}`);
  if (classRows.length !== rounds.batchSize) {
    throw new RangeError(`a batch has ${rounds.batchSize} class rows, got ${classRows.length}`);
  }
}
