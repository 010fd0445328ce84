import { conditionChannels, imageShape } from '@tributary/protocol/image-shape';
import type { Recipe } from '@tributary/protocol/recipe';
import { ADAMW_SCALARS, adamWStep } from '@tributary/layers';
import type { Engine, Program, Signature, StepFunction, Tensors } from '@tributary/tensor';
import type { Precision } from '@tributary/onnx-graph';
import * as tf from '@tensorflow/tfjs-core';
import { addPart, afterLastPart, PART_FLAGS } from './gradient-accumulation.js';
import { afterGoodStep, LOSS_SCALE } from './loss-scaling.js';
import { stepGradient } from './step-gradient.js';
import { MASK_PREFIX } from './training-loss.js';
import { tensorOf } from '../network/tensor-of.js';
import type { Network } from '../network/unet.js';
import { strategyGradient, strategySignature } from './strategy-gradient.js';
import { BOUND_TERMS } from './variational-bound.js';

/** Masks by the names that the recorded step reads. */
export function dropoutInputs<T>(masks: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(masks).map(([name, mask]) => [MASK_PREFIX + name, mask]));
}

/** Names of the optimiser's vectors that training goes on from after a restart. */
export function optimiserVectors({ amsgrad }: Recipe['optimiser']): string[] {
  return amsgrad ? ['m', 'v', 'vMax'] : ['m', 'v'];
}

export interface TrainingStepOptions {
  readonly engine: Engine;
  readonly recipe: Recipe;
  /** As in `StepGradientOptions`. */
  readonly exampleClipNorm?: number;
}

const SUM = 'partSum';
const FLAGS = 'part';

/**
 * Records loss, gradient, the strategy's term, clipping, AdamW and average as one graph over the state `weights`, `ema`, the
 * optimiser's vectors and the strategy's. Inputs: the arrays of a `TrainingBatch`, `scalars` of AdamW, those of the strategy,
 * the dropout masks and, in float16, the loss scale. Outputs: `loss`, `gradientNorm`.
 * Where the recipe asks for parts, it is the graph of one part: it also reads `part` and keeps the sum of gradients.
 */
export function recordTrainingStep(
  network: Network,
  { engine, recipe, exampleClipNorm }: TrainingStepOptions,
): Promise<Program> {
  const { precision } = engine;
  const fn = trainingStep(network, recipe, { precision, exampleClipNorm });
  return engine.compile(fn, signatureOf(network, recipe, precision), { label: 'training step', precision });
}

function trainingStep(
  network: Network,
  { optimiser, strategy }: Recipe,
  options: { readonly precision: Precision; readonly exampleClipNorm?: number },
): StepFunction {
  const { precision } = options;
  const count = optimiser.accumulationSteps;
  return (inputs, state) => {
    const vector = (name: string): tf.Tensor1D => tensorOf(state, name, tf.Rank.R1);
    const { value: loss, gradient } = stepGradient(network, { inputs, weights: vector('weights'), ...options });
    const before = {
      weights: vector('weights'),
      m: vector('m'),
      v: vector('v'),
      ema: vector('ema'),
      ...(optimiser.amsgrad && { vMax: vector('vMax') }),
    };
    const scalars = tensorOf(inputs, 'scalars', tf.Rank.R1);
    const step = (whole: tf.Tensor1D): { readonly gradientNorm: tf.Scalar; readonly after: Tensors } => {
      const followed = strategyGradient(strategy, { gradient: whole, inputs, state });
      const next = adamWStep(before, { gradient: followed.gradient, scalars }, optimiser);
      const after = { ...next.state, ...followed.state };
      const { gradientNorm } = next;
      return { gradientNorm, after: precision === 'float16' ? afterGoodStep(gradientNorm, state, after) : after };
    };
    if (count === 1) {
      const { gradientNorm, after } = step(gradient);
      return { outputs: { loss, gradientNorm }, state: after };
    }
    const flags = tensorOf(inputs, FLAGS, tf.Rank.R1);
    const sum = addPart({ flags, gradient, sum: vector(SUM), count });
    const { gradientNorm, after } = step(sum);
    return { outputs: { loss, gradientNorm }, state: { ...afterLastPart(flags, state, after), [SUM]: sum } };
  };
}

function signatureOf({ parameterCount, dropoutSites }: Network, recipe: Recipe, precision: Precision): Signature {
  const { image, objective, optimiser, rounds, strategy } = recipe;
  const batchSize = rounds.batchSize / optimiser.accumulationSteps;
  const isInParts = optimiser.accumulationSteps > 1;
  const images = { shape: [batchSize, ...imageShape(image)] };
  const flat = { shape: [parameterCount] };
  const condition = conditionChannels(recipe);
  const masks = dropoutSites.map(({ name, shape }) => [name, { shape: [batchSize, ...shape] }] as const);
  const ofStrategy = strategySignature(strategy, parameterCount);
  return {
    inputs: {
      ...ofStrategy.inputs,
      image: images,
      target: images,
      weight: { shape: [batchSize] },
      noiseLevel: { shape: [batchSize] },
      classRow: { shape: [batchSize], dtype: 'int32' },
      ...(condition > 0 && { condition: { shape: [batchSize, ...imageShape(image).slice(0, -1), condition] } }),
      ...(objective.variance === 'learned' && { bound: { shape: [batchSize, BOUND_TERMS] } }),
      ...(isInParts && { [FLAGS]: { shape: [PART_FLAGS] } }),
      ...(precision === 'float16' && { [LOSS_SCALE]: { shape: [1] } }),
      scalars: { shape: [ADAMW_SCALARS] },
      ...dropoutInputs(Object.fromEntries(masks)),
    },
    state: {
      ...ofStrategy.state,
      weights: flat,
      ema: flat,
      ...Object.fromEntries(optimiserVectors(optimiser).map((name) => [name, flat])),
      ...(isInParts && { [SUM]: flat }),
    },
  };
}
