import * as tf from '@tensorflow/tfjs-core';
import { conv2d, randomStream, unflatten, type Engine, type ParameterSpec, type Tensors } from '@tributary/tensor';
import { runInBatches } from './engine/padded-batches.js';

const KERNEL = 5;
const FIRST_CHANNELS = 16;
const LATER_CHANNELS = 32;
const LEAK = 0.2;
/** Side of the last feature map in pixels: there one value sees most of the image. */
const LAST_SIDE = 4;
const BATCH_SIZE = 32;

export interface ExtractorOptions {
  /** Side of the square images in pixels, 8 or more. */
  readonly imageSize: number;
  readonly channels: number;
  /** Other weights for another seed, the same ones on every machine. */
  readonly seed: number;
}

/** Turns images into the feature vectors that scores compare. */
export interface Extractor {
  /** Names architecture, image shape and seed; belongs into the moments, so that only like meets like. */
  readonly id: string;
  /** d, the length of a feature vector. */
  readonly dimensions: number;
  /**
   * @param images `[count, imageSize, imageSize, channels]`, -1 (black) to 1 (white); values outside are clipped.
   * @returns `[count, d]`; an image's features do not depend on the images beside it.
   * @throws RangeError if `images` has another length.
   */
  features(images: Float32Array, count: number): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/**
 * Features of a fixed random network: 5 x 5 convolutions of stride 2 with leaky ReLU down to about 4 x 4, then the mean
 * and the maximum of each channel. Nothing is trained or downloaded: every site has the same extractor, for any modality.
 * Random convolutions tell classes of images apart (Saxe et al. 2011) and serve as a generator's yardstick where
 * pretrained networks do not know the domain (Naeem et al. 2020). Distances compare only within one extractor.
 * @throws RangeError for images below 8 pixels.
 */
export async function createExtractor(engine: Engine, options: ExtractorOptions): Promise<Extractor> {
  const { imageSize, channels, seed } = options;
  if (!Number.isInteger(imageSize) || imageSize < 2 * LAST_SIDE) {
    throw new RangeError(`the extractor needs images of ${2 * LAST_SIDE} pixels or more, not ${imageSize}`);
  }
  const shape = [BATCH_SIZE, imageSize, imageSize, channels] as const;
  const filters = filterManifest(imageSize, channels);
  const weights = randomFilters(filters, seed);
  const program = await engine.compile(
    ({ images }, state) => ({
      outputs: { values: forward(tf.reshape(checked(images), [...shape]), filtersOf(state, filters)) },
    }),
    { inputs: { images: { shape } }, state: { weights: { shape: [weights.length] } } },
    { label: 'feature extractor' },
  );
  program.writeState('weights', weights);
  return {
    id: `random-conv-1/${imageSize}x${imageSize}x${channels}/${seed}`,
    dimensions: 2 * LATER_CHANNELS,
    features: async (images, count) => {
      if (images.length !== count * imageSize ** 2 * channels) {
        throw new RangeError(
          `${images.length} values are not ${count} images of ${imageSize} x ${imageSize} x ${channels}`,
        );
      }
      return runInBatches(program, { images, count, batchSize: BATCH_SIZE });
    },
    dispose: () => program.dispose(),
  };
}

function forward(images: tf.Tensor4D, filters: readonly tf.Tensor4D[]): tf.Tensor {
  let x = tf.clipByValue(images, -1, 1);
  for (const filter of filters) {
    const response = conv2d(x, filter, undefined, { stride: 2, padding: (KERNEL - 1) / 2 });
    x = tf.maximum(response, tf.mul(response, LEAK));
  }
  return tf.concat([tf.mean(x, [1, 2]), tf.max(x, [1, 2])], 1);
}

/** Filters `[out, in, height, width]` that bring the image down to about 4 x 4. */
function filterManifest(imageSize: number, channels: number): ParameterSpec[] {
  const layers = Math.round(Math.log2(imageSize / LAST_SIDE));
  const widths = [
    channels,
    ...Array.from({ length: layers }, (_, at) => (at < layers - 1 && at === 0 ? FIRST_CHANNELS : LATER_CHANNELS)),
  ];
  return Array.from({ length: layers }, (_, at) => ({
    name: `convolution.${at}`,
    shape: [widths[at + 1] ?? 0, widths[at] ?? 0, KERNEL, KERNEL],
  }));
}

/** Normal weights of variance 2 / fan-in, which keeps the signal's size from layer to layer (He et al. 2015, eq. 10). */
function randomFilters(filters: readonly ParameterSpec[], seed: number): Float32Array {
  const layers = filters.map(({ name, shape: [outputs = 0, ...inputShape] }) => {
    const fanIn = inputShape.reduce((product, length) => product * length, 1);
    const weights = new Float32Array(outputs * fanIn);
    randomStream(seed, 'extractor', name).fillNormal(weights);
    return Array.from(weights, (weight) => weight * Math.sqrt(2 / fanIn));
  });
  return Float32Array.from(layers.flat());
}

function filtersOf(state: Tensors, filters: readonly ParameterSpec[]): tf.Tensor4D[] {
  const byName = unflatten(tf.reshape(checked(state['weights']), [-1]), filters);
  return filters.map(({ name, shape: [outputs = 0, inputs = 0] }) =>
    tf.reshape(checked(byName[name]), [outputs, inputs, KERNEL, KERNEL]),
  );
}

function checked(tensor: tf.Tensor | undefined): tf.Tensor {
  if (!tensor) throw new TypeError('the engine left out a tensor of the signature');
  return tensor;
}
