import { embedding as embeddingOf, silu, stopGradient } from '@tributary/layers';
import * as tf from '@tensorflow/tfjs-core';
import { applyLinear, type ForwardContext } from './forward-pass.js';
import { tensorOf } from './tensor-of.js';
import { CLASS_ROWS, FREQUENCIES } from './unet-parameters.js';
import type { UNetStructure } from './unet-structure.js';

/** What the network is told about each image. */
export interface Conditions {
  /** [batch]: time index, or cNoise with EDM. */
  readonly noiseLevel: tf.Tensor1D;
  /** [batch], int32: row of the class embedding. Not read by an unconditional network. */
  readonly classRow?: tf.Tensor1D;
  /** [batch, …, conditionChannels]: images that the network sees beside the noisy ones. */
  readonly image?: tf.Tensor;
}

/** The embedding of `UNet2DModel`: sinusoids or random Fourier features, two layers, plus the class row; [batch, width]. */
export function embedConditions(
  context: ForwardContext,
  { config, embedding }: UNetStructure,
  { noiseLevel, classRow }: Conditions,
): tf.Tensor2D {
  const features =
    config.timeEmbedding === 'fourier'
      ? fourierFeatures(noiseLevel, tensorOf(context.parameters, FREQUENCIES, tf.Rank.R1))
      : sinusoids(noiseLevel, { width: embedding.sinusoids, ...config });
  const time = applyLinear(context, embedding.output, silu(applyLinear(context, embedding.hidden, features)));
  context.observe?.('time_embedding', time);
  if (config.classRows === 0) return tf.reshape(time, [-1, embedding.width]);
  if (!classRow) throw new RangeError('a class-conditional network needs class rows');
  const row = embeddingOf(tensorOf(context.parameters, CLASS_ROWS, tf.Rank.R2), classRow);
  context.observe?.('class_embedding', row);
  return tf.reshape(tf.add(time, row), [-1, embedding.width]);
}

export interface SinusoidOptions {
  /** Length of the embedding; an odd one ends with a zero. */
  readonly width: number;
  readonly flipSinToCos: boolean;
  readonly frequencyShift: number;
}

/** Sinusoidal position embedding, Vaswani et al. 2017, as in Ho et al. 2020: frequencies 10000^(-i / (half - shift)). */
export function sinusoids(time: tf.Tensor1D, options: SinusoidOptions): tf.Tensor2D {
  const { width, flipSinToCos, frequencyShift } = options;
  const half = Math.floor(width / 2);
  const frequencies = Float32Array.from({ length: half }, (_, i) => 10_000 ** (-i / (half - frequencyShift)));
  const angles: tf.Tensor2D = tf.mul(tf.reshape(time, [-1, 1]), tf.tensor2d(frequencies, [1, half]));
  const parts = flipSinToCos ? [tf.cos(angles), tf.sin(angles)] : [tf.sin(angles), tf.cos(angles)];
  const embedding: tf.Tensor2D = tf.concat(parts, 1);
  if (width % 2 === 0) return embedding;
  return tf.pad(embedding, [
    [0, 0],
    [0, 1],
  ]);
}

/** Random Fourier features of log(time), Tancik et al. 2020; the frequencies are stored but not trained. */
function fourierFeatures(time: tf.Tensor1D, frequencies: tf.Tensor1D): tf.Tensor {
  const row = tf.mul(tf.reshape(stopGradient(frequencies), [1, -1]), 2 * Math.PI);
  const angles = tf.mul(tf.reshape(tf.log(time), [-1, 1]), row);
  return tf.concat([tf.sin(angles), tf.cos(angles)], 1);
}
