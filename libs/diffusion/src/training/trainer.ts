import { TributaryError, type Recipe } from '@tributary/protocol';
import { FIRST_LOSS_SCALE, type LossScale, nextLossScale, type ParameterSpec } from '@tributary/layers';
import type { Engine, Program } from '@tributary/tensor';
import type { RandomStream } from '@tributary/random';
import { buildNetwork } from '../network/build-network.js';
import { createDiffusionModel } from '../parameterisation/diffusion-model.js';
import { partFlags, partOfBatch } from './gradient-accumulation.js';
import { hasOverflowed } from './loss-scaling.js';
import { stepInputs, type StepInputs } from './step-inputs.js';
import { strategyVectors, type StrategyVector } from './strategy-gradient.js';
import { optimiserVectors, recordTrainingStep } from './training-step.js';

export interface TrainerOptions {
  readonly engine: Engine;
  readonly recipe: Recipe;
  /** Rows of the class embedding, as `embeddingRows` counts them. */
  readonly classRows: number;
  /** Share of the local average of weights that each step keeps; 0 (default) makes it the weights themselves. */
  readonly emaDecay?: number;
  /**
   * Longest gradient that one example may contribute to a step, > 0; as long as it is when left out. What private training rests on:
   * noise is not added here.
   */
  readonly exampleClipNorm?: number;
}

/** What training goes on from after a restart, besides the weights. */
export interface OptimiserState {
  /** One for each of the trainer's `optimiserVectors`. */
  readonly vectors: Readonly<Record<string, Float32Array>>;
  /** Steps that the moments have seen. */
  readonly step: number;
  /** In float16 only. */
  readonly lossScale?: LossScale;
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

export interface StepResult {
  /** Mean over the batch. */
  readonly loss: number;
  /** Before clipping; not finite for a step that was skipped. */
  readonly gradientNorm: number;
  /** Whether a float16 gradient overflowed. */
  readonly isSkipped: boolean;
}

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
   * One optimiser step. In float16 a step whose gradient overflows changes nothing but the loss scale, which is halved.
   *
   * @throws TributaryError `TRAIN_NOT_FINITE` with the step when the loss or the gradient is not finite.
   * @throws RangeError when sizes do not fit the recipe.
   */
  step(step: TrainingStep): Promise<StepResult>;
  dispose(): Promise<void>;
}

/** Records the training step of a recipe: loss, gradient, clipping, AdamW and average in one graph. */
export async function createTrainer(options: TrainerOptions): Promise<Trainer> {
  const { engine, recipe, classRows, emaDecay = 0, exampleClipNorm } = options;
  const network = buildNetwork(recipe, classRows);
  const program = await recordTrainingStep(network, { engine, recipe, exampleClipNorm });
  const settings = { network, model: createDiffusionModel(recipe), recipe, classRows };
  const names = optimiserVectors(recipe.optimiser);
  const firstScale = engine.precision === 'float16' ? FIRST_LOSS_SCALE : undefined;
  let seenSteps = 0;
  let lossScale = firstScale;
  return {
    manifest: network.manifest,
    parameterCount: network.parameterCount,
    optimiserVectors: names,
    initialWeights: network.initial,
    ...trainedState(program, recipe),
    optimiserState: async () => {
      const vectors = await readVectors(program, names);
      return { vectors, step: seenSteps, ...(lossScale && { lossScale }) };
    },
    setOptimiserState: ({ vectors, step, lossScale: kept }) => {
      for (const name of names) program.writeState(name, vectors[name] ?? new Float32Array(0));
      seenSteps = step;
      lossScale = firstScale && (kept ?? firstScale);
    },
    step: async (request) => {
      const inputs = stepInputs(request, settings, { step: seenSteps + 1, emaDecay, lossScale });
      const { loss, gradientNorm } = await runParts(program, inputs, recipe.optimiser.accumulationSteps);
      const isSkipped = lossScale !== undefined && lossScale.scale > 1 && hasOverflowed(gradientNorm);
      if (!Number.isFinite(loss) || (hasOverflowed(gradientNorm) && !isSkipped)) {
        const { globalStep } = request;
        throw new TributaryError('TRAIN_NOT_FINITE', { detail: `at step ${globalStep}`, step: globalStep });
      }
      lossScale &&= nextLossScale(lossScale, isSkipped);
      if (!isSkipped) seenSteps++;
      return { loss, gradientNorm, isSkipped };
    },
    dispose: () => program.dispose(),
  };
}

/** What of a trainer is the state of its program and nothing besides. */
function trainedState(
  program: Program,
  { strategy }: Recipe,
): Pick<Trainer, 'setWeights' | 'weights' | 'averagedWeights' | 'strategyState' | 'setStrategyState'> {
  return {
    setWeights: (weights) => {
      program.writeState('weights', weights);
    },
    weights: () => program.readState('weights'),
    averagedWeights: () => program.readState('ema'),
    strategyState: () => readVectors(program, strategyVectors(strategy)),
    setStrategyState: (vectors) => {
      for (const [name, vector] of Object.entries(vectors)) program.writeState(name, vector);
    },
  };
}

/** Vectors of the program's state by name. */
async function readVectors(program: Program, names: readonly string[]): Promise<Record<string, Float32Array>> {
  const read = names.map(async (name) => [name, await program.readState(name)] as const);
  return Object.fromEntries(await Promise.all(read));
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
