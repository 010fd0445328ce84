import type { Recipe } from '@tributary/protocol/recipe';
import {
  ADAMW_SCALARS,
  adamWStep,
  valueAndGradient,
  type Engine,
  type Program,
  type Signature,
  type StepFunction,
  type Tensors,
} from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { tensorOf } from '../network/tensor-of.js';
import type { Network } from '../network/unet2d.js';
import { strategyGradient, strategySignature } from './strategy-gradient.js';

/** Dropout masks travel among the step's inputs under their block's name with this prefix. */
const MASK_PREFIX = 'dropout ';

/** Masks by the names that the recorded step reads. */
export function dropoutInputs<T>(masks: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(masks).map(([name, mask]) => [MASK_PREFIX + name, mask]));
}

/**
 * Records loss, gradient, the strategy's term, clipping, AdamW and average as one graph over the state `weights`, `m`, `v`,
 * `ema` and the strategy's vectors. Inputs: the arrays of a `TrainingBatch`, `scalars` of AdamW, those of the strategy and
 * the dropout masks. Outputs: `loss`, `gradientNorm`.
 */
export function recordTrainingStep(
  network: Network,
  { engine, recipe }: { readonly engine: Engine; readonly recipe: Recipe },
): Promise<Program> {
  return engine.compile(trainingStep(network, recipe), signatureOf(network, recipe), { label: 'training step' });
}

function trainingStep(network: Network, { optimiser, strategy }: Recipe): StepFunction {
  return (inputs, state) => {
    const weights = tensorOf(state, 'weights', tf.Rank.R1);
    const { value: loss, gradient } = valueAndGradient(
      (parameters) => lossOf(network, parameters, inputs),
      weights,
      network.manifest,
    );
    const followed = strategyGradient(strategy, { gradient, inputs, state });
    const m = tensorOf(state, 'm', tf.Rank.R1);
    const v = tensorOf(state, 'v', tf.Rank.R1);
    const ema = tensorOf(state, 'ema', tf.Rank.R1);
    const scalars = tensorOf(inputs, 'scalars', tf.Rank.R1);
    const next = adamWStep({ weights, m, v, ema }, { gradient: followed.gradient, scalars }, optimiser);
    return { outputs: { loss, gradientNorm: next.gradientNorm }, state: { ...next.state, ...followed.state } };
  };
}

/** Mean over examples of weight · mean squared error of the raw output. */
function lossOf(network: Network, parameters: Tensors, inputs: Tensors): tf.Scalar {
  const masks = network.dropoutSites.map(
    ({ name }) => [name, tensorOf(inputs, MASK_PREFIX + name, tf.Rank.R4)] as const,
  );
  const context = { parameters, dropoutMasks: Object.fromEntries(masks) };
  const output = network.forward(context, tensorOf(inputs, 'image', tf.Rank.R4), {
    noiseLevel: tensorOf(inputs, 'noiseLevel', tf.Rank.R1),
    classRow: tensorOf(inputs, 'classRow', tf.Rank.R1),
  });
  const weight = tensorOf(inputs, 'weight', tf.Rank.R1);
  const squared = tf.square(tf.sub(output, tensorOf(inputs, 'target', tf.Rank.R4)));
  const perExample = tf.mean(tf.reshape(squared, [weight.size, -1]), 1);
  return tf.mean(tf.mul(perExample, weight));
}

function signatureOf({ parameterCount, dropoutSites }: Network, { image, rounds, strategy }: Recipe): Signature {
  const { batchSize } = rounds;
  const images = { shape: [batchSize, image.sizePx, image.sizePx, image.channels] };
  const flat = { shape: [parameterCount] };
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
      scalars: { shape: [ADAMW_SCALARS] },
      ...dropoutInputs(Object.fromEntries(masks)),
    },
    state: { ...ofStrategy.state, weights: flat, m: flat, v: flat, ema: flat },
  };
}
