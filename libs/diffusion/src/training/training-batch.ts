import type { Recipe } from '@tributary/protocol';
import { conditionChannels } from '@tributary/protocol/image-shape';
import type { RandomStream } from '@tributary/random';
import type { DiffusionModel } from '../parameterisation/diffusion-model.js';
import type { NoiseLevel } from '../processes/noise-process.js';
import { lowResolution } from '../conditioning/image-condition.js';
import { estimateWeight } from './loss-weight.js';
import { noiseLevelSampler } from './time-sampling.js';
import { BOUND_TERMS, boundTerms } from './variational-bound.js';

/** Arrays of one training step, ready for the recorded graph. */
export interface TrainingBatch {
  /** [batch, height, width, channels]: the noisy images as the network reads them. */
  readonly image: Float32Array;
  /** Same shape: what the raw output should be. */
  readonly target: Float32Array;
  /** [batch]: weight of each example's squared error. */
  readonly weight: Float32Array;
  /** [batch] */
  readonly noiseLevel: Float32Array;
  /** [batch] */
  readonly classRow: Int32Array;
  /** [batch, height, width, conditionChannels]; empty without image conditions. */
  readonly condition: Float32Array;
  /** [batch, BOUND_TERMS]; empty unless the variance is learned. */
  readonly bound: Float32Array;
}

export interface BatchSource {
  /** [batch, height, width, channels] in [-1, 1]. */
  readonly images: Float32Array;
  /** [batch] */
  readonly classRows: Int32Array;
  /** [batch, height, width, conditionChannels]: image conditions that come with the images. */
  readonly conditions?: Float32Array;
  readonly random: RandomStream;
}

export interface BatchSettings {
  readonly model: DiffusionModel;
  readonly recipe: Recipe;
  /** Rows of the class embedding; the last one stands for "no condition". */
  readonly classRows: number;
}

/** Adds noise, drops conditions and flips, all drawn from the given stream; makes new arrays and keeps nothing. */
export function drawTrainingBatch(source: BatchSource, settings: BatchSettings): TrainingBatch {
  const { recipe, model, classRows } = settings;
  const { random } = source;
  const count = source.classRows.length;
  const size = source.images.length / count;
  const batch = emptyBatch(count, size, recipe);
  const noise = new Float32Array(size);
  const drawLevel = noiseLevelSampler(model.process, recipe);
  const weightOf = estimateWeight(recipe.objective);
  for (let i = 0; i < count; i++) {
    const level = drawLevel(random);
    const dropped = random.uniform() < recipe.conditioning.dropout;
    const flipped = recipe.data.horizontalFlip && random.uniform() < 0.5;
    random.fillNormal(noise);
    batch.classRow[i] = dropped ? classRows - 1 : (source.classRows[i] ?? 0);
    batch.noiseLevel[i] = model.conditioning(level);
    batch.weight[i] = weightOf
      ? weightOf(level) * model.preconditioning(level).output ** 2
      : model.predictionWeight(level);
    if (batch.bound.length > 0) batch.bound.set(boundTerms(model, level), i * BOUND_TERMS);
    const given = source.images.subarray(i * size, (i + 1) * size);
    const clean = flipped ? mirrored(given, recipe.image) : given;
    writeCondition(batch, { index: i, clean, flipped, given: source.conditions }, recipe);
    writeExample(batch, i * size, { clean, noise, factors: exampleFactors(model, level) });
  }
  return batch;
}

function emptyBatch(count: number, size: number, { image, conditioning, objective }: Recipe): TrainingBatch {
  const conditionSize = (size / image.channels) * conditionChannels({ image, conditioning });
  return {
    image: new Float32Array(count * size),
    target: new Float32Array(count * size),
    weight: new Float32Array(count),
    noiseLevel: new Float32Array(count),
    classRow: new Int32Array(count),
    condition: new Float32Array(count * conditionSize),
    bound: new Float32Array(objective.variance === 'learned' ? count * BOUND_TERMS : 0),
  };
}

interface ConditionSource {
  readonly index: number;
  /** The image as it is shown. */
  readonly clean: Float32Array;
  readonly flipped: boolean;
  /** Conditions of the whole batch, as they came. */
  readonly given: Float32Array | undefined;
}

/** @throws RangeError when conditions that should come with the images are missing or have another size. */
function writeCondition({ condition, weight }: TrainingBatch, source: ConditionSource, recipe: Recipe): void {
  const { index, clean, flipped, given } = source;
  const { image, conditioning } = recipe;
  const size = condition.length / weight.length;
  if (conditioning.image?.kind === 'low-resolution') {
    condition.set(lowResolution(clean, image, conditioning.image.factor), index * size);
  } else if (conditioning.image?.kind === 'given') {
    if (given?.length !== condition.length)
      throw new RangeError(`a batch has ${condition.length} values of conditions, got ${given?.length ?? 0}`);
    const shown = given.subarray(index * size, (index + 1) * size);
    const shape = { sizePx: image.sizePx, channels: conditioning.image.channels };
    condition.set(flipped ? mirrored(shown, shape) : shown, index * size);
  }
}

/** Factors of clean image and noise in the network's input and in its target. */
interface ExampleFactors {
  readonly inputClean: number;
  readonly inputNoise: number;
  readonly targetClean: number;
  readonly targetNoise: number;
}

/** From D(x) = skip·x + out·F(in·x) = x_0 and x = alpha x_0 + sigma ε: the F that is right. */
function exampleFactors(model: DiffusionModel, level: NoiseLevel): ExampleFactors {
  const { input, skip, output } = model.preconditioning(level);
  return {
    inputClean: input * level.alpha,
    inputNoise: input * level.sigma,
    targetClean: (1 - skip * level.alpha) / output,
    targetNoise: (-skip * level.sigma) / output,
  };
}

interface Example {
  readonly clean: Float32Array;
  readonly noise: Float32Array;
  readonly factors: ExampleFactors;
}

function writeExample(batch: TrainingBatch, offset: number, { clean, noise, factors }: Example): void {
  const { inputClean, inputNoise, targetClean, targetNoise } = factors;
  for (let i = 0; i < clean.length; i++) {
    const x0 = clean[i] ?? 0;
    const epsilon = noise[i] ?? 0;
    batch.image[offset + i] = inputClean * x0 + inputNoise * epsilon;
    batch.target[offset + i] = targetClean * x0 + targetNoise * epsilon;
  }
}

/** The image with left and right exchanged. */
function mirrored(
  image: Float32Array,
  { sizePx, channels }: { readonly sizePx: number; readonly channels: number },
): Float32Array {
  return image.map((_, i) => {
    const channel = i % channels;
    const column = Math.floor(i / channels) % sizePx;
    const rowStart = i - channel - column * channels;
    return image[rowStart + (sizePx - 1 - column) * channels + channel] ?? 0;
  });
}
