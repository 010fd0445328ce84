import * as tf from '@tensorflow/tfjs-core';
import { conv2d, type ParameterSpec, unflatten } from '@tributary/layers';
import { randomStream } from '@tributary/random';
import type { Engine, Tensors } from '@tributary/tensor';
import { runInBatches } from './engine/padded-batches.js';

const KERNEL = 5;
/** Channels of the first two layers; their means see fine texture and edges. */
const FINE_CHANNELS = 16;
/** Channels of the later layers; the last one's means see shapes. */
const COARSE_CHANNELS = 32;
const LEAST_LAYERS = 3;
/** Side of the last feature map in pixels, in images large enough: there one value sees most of the image. */
const LAST_SIDE = 4;
const BIAS_SD = 0.5;
const BATCH_SIZE = 32;
const LEAST_IMAGE_SIZE = 8;

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
   * @returns `[count, d]`; an image's features do not depend on the images beside it. Calls at the same time take turns.
   * @throws RangeError if `images` has another length.
   */
  features(images: Float32Array, count: number): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/**
 * Features of a fixed random network: 5 x 5 convolutions of stride 2 with random biases, each followed by the modulus, down to about
 * 4 x 4; then the mean of each channel of the first, the second and the last layer. The modulus followed by a mean measures how much
 * of a pattern there is, wherever it lies (Bruna & Mallat 2013); the biases let it tell bright from dark.
 * Nothing is trained or downloaded: every site has the same extractor, for any modality. Random convolutions tell
 * classes of images apart (Saxe et al. 2011) and serve as a generator's yardstick where pretrained networks do not know the
 * domain (Naeem et al. 2020). Distances compare only within one extractor.
 * @throws RangeError for images below 8 pixels.
 */
export async function createExtractor(engine: Engine, options: ExtractorOptions): Promise<Extractor> {
  const { imageSize, channels, seed } = options;
  if (!Number.isInteger(imageSize) || imageSize < LEAST_IMAGE_SIZE) {
    throw new RangeError(`the extractor needs images of ${LEAST_IMAGE_SIZE} pixels or more, not ${imageSize}`);
  }
  const shape = [BATCH_SIZE, imageSize, imageSize, channels] as const;
  const layers = layerShapes(imageSize, channels);
  const weights = randomWeights(layers, seed);
  const program = await engine.compile(
    ({ images }, state) => {
      const values = forward(tf.reshape(checked(images), [...shape]), layerWeights(state, layers));
      return { outputs: { values } };
    },
    { inputs: { images: { shape } }, state: { weights: { shape: [weights.length] } } },
    { label: 'feature extractor' },
  );
  program.writeState('weights', weights);
  let previous: Promise<unknown> = Promise.resolve();
  return {
    id: `random-modulus-1/${imageSize}x${imageSize}x${channels}/${seed}`,
    dimensions: 2 * FINE_CHANNELS + COARSE_CHANNELS,
    features: async (images, count) => {
      if (images.length !== count * imageSize ** 2 * channels) {
        throw new RangeError(
          `${images.length} values are not ${count} images of ${imageSize} x ${imageSize} x ${channels}`,
        );
      }
      const run = () => runInBatches(program, { images, count, batchSize: BATCH_SIZE });
      const current = previous.then(run, run);
      previous = current;
      return current;
    },
    dispose: () => program.dispose(),
  };
}

interface LayerWeights {
  readonly filter: tf.Tensor4D;
  readonly bias: tf.Tensor1D;
}

function forward(images: tf.Tensor4D, layers: readonly LayerWeights[]): tf.Tensor {
  const means: tf.Tensor[] = [];
  let x = tf.clipByValue(images, -1, 1);
  for (const { filter, bias } of layers) {
    x = tf.abs(conv2d(x, filter, bias, { stride: 2, padding: (KERNEL - 1) / 2 }));
    means.push(tf.mean(x, [1, 2]));
  }
  return tf.concat([...means.slice(0, 2), ...means.slice(-1)], 1);
}

interface LayerShape {
  readonly bias: ParameterSpec;
  /** `[out, in, height, width]` */
  readonly filter: ParameterSpec & { readonly shape: [number, number, number, number] };
}

function layerShapes(imageSize: number, channels: number): LayerShape[] {
  const count = Math.max(LEAST_LAYERS, Math.round(Math.log2(imageSize / LAST_SIDE)));
  const outputsOf = (layer: number) => (layer < 2 ? FINE_CHANNELS : COARSE_CHANNELS);
  return Array.from({ length: count }, (_, layer) => {
    const outputs = outputsOf(layer);
    const inputs = layer === 0 ? channels : outputsOf(layer - 1);
    return {
      bias: { name: `layers.${layer}.bias`, shape: [outputs] },
      filter: { name: `layers.${layer}.weight`, shape: [outputs, inputs, KERNEL, KERNEL] },
    };
  });
}

/** In the order of the layers, bias before filter. Filters have variance 1 / fan-in: the modulus then keeps the mean square. */
function randomWeights(layers: readonly LayerShape[], seed: number): Float32Array {
  const parts = layers.flatMap(({ bias, filter }) => {
    const [outputs, inputs, height, width] = filter.shape;
    const fanIn = inputs * height * width;
    return [
      randomNormal({ seed, name: bias.name, count: outputs, sd: BIAS_SD }),
      randomNormal({ seed, name: filter.name, count: outputs * fanIn, sd: Math.sqrt(1 / fanIn) }),
    ];
  });
  return Float32Array.from(parts.flat());
}

function randomNormal({ seed, name, count, sd }: { seed: number; name: string; count: number; sd: number }): number[] {
  const random = randomStream(seed, 'extractor', name);
  return Array.from({ length: count }, () => sd * random.normal());
}

function layerWeights(state: Tensors, layers: readonly LayerShape[]): LayerWeights[] {
  const manifest = layers.flatMap(({ bias, filter }) => [bias, filter]);
  const byName = unflatten(tf.reshape(checked(state['weights']), [-1]), manifest);
  return layers.map(({ bias, filter }) => ({
    bias: tf.reshape(checked(byName[bias.name]), [-1]),
    filter: tf.reshape(checked(byName[filter.name]), filter.shape),
  }));
}

function checked(tensor: tf.Tensor | undefined): tf.Tensor {
  if (!tensor) throw new TypeError('the engine left out a tensor of the signature');
  return tensor;
}
