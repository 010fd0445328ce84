import { silu } from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { fullyConnected } from './layers.js';
import { parameterOf, type ForwardContext, type Parameter } from './parameter.js';
import { levelChannels, type UNetConfig } from './unet-config.js';

/** Standard deviation of the random frequencies, Song et al. 2021 (appendix C.2) and diffusers' `UNet2DModel`. */
const FOURIER_SCALE = 16;

export interface Conditions {
  /** [batch]: time index, or cNoise with EDM. */
  readonly noiseLevel: tf.Tensor1D;
  /** [batch], int32: row of the class embedding. Not read by an unconditional network. */
  readonly classRow?: tf.Tensor1D;
}

/** Turns noise level and class into the vector [batch, 4 · channels] that every residual block reads. */
export interface ConditionEmbedding {
  readonly width: number;
  readonly parameters: readonly Parameter[];
  readonly apply: (context: ForwardContext, conditions: Conditions) => tf.Tensor2D;
}

/** The embedding of `UNet2DModel`: sinusoids or random Fourier features, two layers, plus the class row. */
export function conditionEmbedding(config: UNetConfig): ConditionEmbedding {
  const { first } = levelChannels(config);
  const width = 4 * first;
  const fourier = config.timeEmbedding === 'fourier';
  const frequencies: Parameter = {
    name: 'time_proj.weight',
    shape: [first],
    initial: { kind: 'normal', stddev: FOURIER_SCALE },
  };
  const rows: Parameter = {
    name: 'class_embedding.weight',
    shape: [config.classRows, width],
    initial: { kind: 'normal', stddev: 1 },
  };
  const hidden = fullyConnected('time_embedding.linear_1', fourier ? 2 * first : first, width);
  const output = fullyConnected('time_embedding.linear_2', width, width);
  return {
    width,
    parameters: [
      ...(fourier ? [frequencies] : []),
      ...(config.classRows > 0 ? [rows] : []),
      ...hidden.parameters,
      ...output.parameters,
    ],
    apply: (context, { noiseLevel, classRow }) => {
      const features = fourier
        ? fourierFeatures(noiseLevel, parameterOf(context, frequencies.name))
        : sinusoids(noiseLevel, { width: first, ...config });
      const time = output.apply(context, silu(hidden.apply(context, features)));
      context.observe?.('time_embedding', time);
      if (config.classRows === 0) return tf.reshape(time, [-1, width]);
      if (!classRow) throw new RangeError('a class-conditional network needs class rows');
      const row = tf.gather(parameterOf(context, rows.name), classRow);
      context.observe?.('class_embedding', row);
      return tf.reshape(tf.add(time, row), [-1, width]);
    },
  };
}

export interface SinusoidOptions {
  /** Length of the embedding; an odd one ends with a zero. */
  readonly width: number;
  readonly flipSinToCos: boolean;
  readonly frequencyShift: number;
}

/** Sinusoidal position embedding, Vaswani et al. 2017, as in Ho et al. 2020: frequencies 10000^(-i / (half - shift)). */
export function sinusoids(time: tf.Tensor1D, { width, flipSinToCos, frequencyShift }: SinusoidOptions): tf.Tensor2D {
  const half = Math.floor(width / 2);
  const frequencies = Float32Array.from({ length: half }, (_, i) => 10_000 ** (-i / (half - frequencyShift)));
  const angles: tf.Tensor2D = tf.mul(tf.reshape(time, [-1, 1]), tf.tensor2d(frequencies, [1, half]));
  const parts = flipSinToCos ? [tf.cos(angles), tf.sin(angles)] : [tf.sin(angles), tf.cos(angles)];
  const embedding: tf.Tensor2D = tf.concat(parts, 1);
  return width % 2 === 0
    ? embedding
    : tf.pad(embedding, [
        [0, 0],
        [0, 1],
      ]);
}

/** Random Fourier features of log(time), Tancik et al. 2020; the frequencies are stored but not trained. */
function fourierFeatures(time: tf.Tensor1D, frequencies: tf.Tensor): tf.Tensor {
  const angles = tf.mul(
    tf.reshape(tf.log(time), [-1, 1]),
    tf.mul(tf.reshape(stopGradient(frequencies), [1, -1]), 2 * Math.PI),
  );
  return tf.concat([tf.sin(angles), tf.cos(angles)], 1);
}

/** The same values with a gradient of zero. */
function stopGradient(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((value: tf.Tensor) => ({
    value: tf.clone(value),
    gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
  }))(x);
}
