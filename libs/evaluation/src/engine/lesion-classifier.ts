import * as tf from '@tensorflow/tfjs-core';
import {
  ADAMW_SCALARS,
  adamWScalars,
  adamWStep,
  type ParameterSpec,
  unflatten,
  valueAndGradient,
} from '@tributary/layers';
import { randomStream } from '@tributary/random';
import type { Engine, Program, Tensors } from '@tributary/tensor';
import { BalancedBatches, type LabelledImages } from './balanced-batches.js';
import { initialLesionWeights, lesionLogits, lesionManifest, logisticLoss } from './lesion-network.js';
import { runInBatches } from './padded-batches.js';

const BATCH_SIZE = 32;
const LEARNING_RATE = 1e-2;
const EMA_DECAY = 0.98;
const SETTINGS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-2, clipNorm: 1 };

export interface LesionClassifierOptions {
  readonly imageSize: number;
  readonly channels: number;
  /** Training steps, each on a batch of 32. */
  readonly steps: number;
}

/** A small convolutional network that tells images with a lesion from others; trained from scratch each time. */
export class LesionClassifier {
  private constructor(
    private readonly options: LesionClassifierOptions,
    private readonly manifest: readonly ParameterSpec[],
    private readonly training: Program,
    private readonly scoring: Program,
  ) {}

  static async open(engine: Engine, options: LesionClassifierOptions): Promise<LesionClassifier> {
    const manifest = lesionManifest(options.channels);
    const training = await compileTraining(engine, manifest, options);
    const scoring = await compileScoring(engine, manifest, options);
    return new LesionClassifier(options, manifest, training, scoring);
  }

  /**
   * Trains from random weights and then scores `test`.
   * @returns `[n]`: the log odds of a lesion in each test image, by the moving average of the weights.
   * @throws RangeError if `train` lacks lesions or lacks images without.
   */
  async trainAndScore(train: LabelledImages, test: LabelledImages, seed: number): Promise<Float32Array> {
    const batches = new BalancedBatches(train, { batchSize: BATCH_SIZE, ...this.options });
    const random = randomStream(seed, 'lesion-batches');
    this.startFrom(initialLesionWeights(this.manifest, seed));
    for (let step = 1; step <= this.options.steps; step++) {
      await this.training.run({ ...batches.draw(random), scalars: this.scalars(step) });
    }
    this.scoring.writeState('weights', await this.training.readState('ema'));
    return runInBatches(this.scoring, { images: test.images, count: test.isLesion.length, batchSize: BATCH_SIZE });
  }

  async dispose(): Promise<void> {
    await Promise.all([this.training.dispose(), this.scoring.dispose()]);
  }

  private startFrom(weights: Float32Array): void {
    this.training.writeState('weights', weights);
    this.training.writeState('ema', weights);
    for (const moment of ['m', 'v']) this.training.writeState(moment, new Float32Array(weights.length));
  }

  /** Cosine decay of the learning rate (Loshchilov & Hutter 2017, eq. 5); the average starts short and lengthens. */
  private scalars(step: number): Float32Array {
    const learningRate = (LEARNING_RATE / 2) * (1 + Math.cos((Math.PI * (step - 1)) / this.options.steps));
    return adamWScalars({ step, learningRate, emaDecay: Math.min(EMA_DECAY, step / (step + 10)) }, SETTINGS);
  }
}

function compileTraining(
  engine: Engine,
  manifest: readonly ParameterSpec[],
  options: LesionClassifierOptions,
): Promise<Program> {
  const length = initialLesionWeights(manifest, 0).length;
  const step = (inputs: Tensors, state: Tensors) => {
    const images = imageBatch(inputs, options);
    const labels = vector(inputs, 'labels');
    const weights = vector(state, 'weights');
    const { value, gradient } = valueAndGradient(
      (parameters) => logisticLoss(lesionLogits(images, parameters), labels),
      weights,
      manifest,
    );
    const moments = { weights, m: vector(state, 'm'), v: vector(state, 'v'), ema: vector(state, 'ema') };
    const updated = adamWStep(moments, { gradient, scalars: vector(inputs, 'scalars') }, SETTINGS);
    return { outputs: { loss: value }, state: { ...updated.state } };
  };
  const shape = [length];
  const inputs = { images: imageSpec(options), labels: { shape: [BATCH_SIZE] }, scalars: { shape: [ADAMW_SCALARS] } };
  const state = { weights: { shape }, m: { shape }, v: { shape }, ema: { shape } };
  return engine.compile(step, { inputs, state }, { label: 'lesion classifier training' });
}

function compileScoring(
  engine: Engine,
  manifest: readonly ParameterSpec[],
  options: LesionClassifierOptions,
): Promise<Program> {
  const length = initialLesionWeights(manifest, 0).length;
  return engine.compile(
    (inputs, state) => {
      const values = lesionLogits(imageBatch(inputs, options), unflatten(vector(state, 'weights'), manifest));
      return { outputs: { values } };
    },
    { inputs: { images: imageSpec(options) }, state: { weights: { shape: [length] } } },
    { label: 'lesion classifier' },
  );
}

function imageSpec({ imageSize, channels }: LesionClassifierOptions) {
  return { shape: [BATCH_SIZE, imageSize, imageSize, channels] };
}

function imageBatch(inputs: Tensors, { imageSize, channels }: LesionClassifierOptions): tf.Tensor4D {
  return tf.reshape(present(inputs, 'images'), [BATCH_SIZE, imageSize, imageSize, channels]);
}

function vector(tensors: Tensors, name: string): tf.Tensor1D {
  return tf.reshape(present(tensors, name), [-1]);
}

function present(tensors: Tensors, name: string): tf.Tensor {
  const tensor = tensors[name];
  if (!tensor) throw new TypeError(`the engine left out ${name}`);
  return tensor;
}
