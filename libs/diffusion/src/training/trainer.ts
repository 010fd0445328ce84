import { TributaryError, type Recipe } from '@tributary/protocol';
import { imageValues } from '@tributary/protocol/image-shape';
import { adamWScalars, type Engine, type ParameterSpec, type Program, type RandomStream } from '@tributary/tensor';
import { buildNetwork } from '../network/build-network.js';
import { drawDropoutMasks } from '../network/dropout.js';
import type { Network } from '../network/unet.js';
import { createDiffusionModel, type DiffusionModel } from '../parameterisation/diffusion-model.js';
import { partFlags, partOfBatch } from './gradient-accumulation.js';
import { learningRateAt, totalStepsOf } from './learning-rate.js';
import { strategyInputs, strategyVectors, type StrategyVector } from './strategy-gradient.js';
import { drawTrainingBatch } from './training-batch.js';
import { dropoutInputs, optimiserVectors, recordTrainingStep } from './training-step.js';

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
  /** One for each of the trainer's `optimiserVectors`. */
  readonly vectors: Readonly<Record<string, Float32Array>>;
  /** Steps that the moments have seen. */
  readonly step: number;
}

export interface TrainingStep {
  /** [batch, height, width, channels] in [-1, 1]. */
  readonly images: Float32Array;
  /** [batch]: row of the class embedding of each image. */
  readonly classRows: Int32Array;
  /** [batch, height, width, conditionChannels]: with `conditioning.image.kind` given. */
  readonly conditions?: Float32Array;
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
  /** Names of the optimiser's vectors: Adam's moments. */
  readonly optimiserVectors: readonly string[];
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
  const network = buildNetwork(recipe, classRows);
  const program = await recordTrainingStep(network, { engine, recipe });
  const settings = { network, model: createDiffusionModel(recipe), recipe, classRows };
  const names = optimiserVectors(recipe.optimiser);
  let seenSteps = 0;
  return {
    manifest: network.manifest,
    parameterCount: network.parameterCount,
    optimiserVectors: names,
    initialWeights: network.initial,
    setWeights: (weights) => {
      program.writeState('weights', weights);
    },
    weights: () => program.readState('weights'),
    averagedWeights: () => program.readState('ema'),
    optimiserState: async () => {
      const read = names.map(async (name) => [name, await program.readState(name)] as const);
      return { vectors: Object.fromEntries(await Promise.all(read)), step: seenSteps };
    },
    setOptimiserState: ({ vectors, step }) => {
      for (const name of names) program.writeState(name, vectors[name] ?? new Float32Array(0));
      seenSteps = step;
    },
    strategyState: async () => {
      const kept = strategyVectors(recipe.strategy);
      return Object.fromEntries(
        await Promise.all(kept.map(async (name) => [name, await program.readState(name)] as const)),
      );
    },
    setStrategyState: (vectors) => {
      for (const [name, vector] of Object.entries(vectors)) program.writeState(name, vector);
    },
    step: async (request) => {
      const inputs = stepInputs(request, settings, { step: seenSteps + 1, emaDecay });
      const { loss, gradientNorm } = await runParts(program, inputs, recipe.optimiser.accumulationSteps);
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

/** Mean loss of the parts of a step, and the norm of the whole gradient. */
async function runParts(
  program: Program,
  { batch, fixed }: StepInputs,
  count: number,
): Promise<{ loss: number; gradientNorm: number }> {
  let loss = 0;
  let gradientNorm = NaN;
  for (let index = 0; index < count; index++) {
    const part = count === 1 ? batch : { ...partOfBatch(batch, index, count), part: partFlags(index, count) };
    const outputs = await program.run({ ...part, ...fixed });
    loss += (outputs['loss']?.[0] ?? NaN) / count;
    gradientNorm = outputs['gradientNorm']?.[0] ?? NaN;
  }
  return { loss, gradientNorm };
}

/** Everything that a step reads. */
interface StepInputs {
  /** Arrays [batch, …]. */
  readonly batch: Record<string, Float32Array | Int32Array>;
  /** Numbers that are the same for every part. */
  readonly fixed: Record<string, Float32Array>;
}

function stepInputs(
  request: TrainingStep,
  settings: StepSettings,
  { step, emaDecay }: { readonly step: number; readonly emaDecay: number },
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
