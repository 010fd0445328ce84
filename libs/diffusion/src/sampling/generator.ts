import { TributaryError } from '@tributary/protocol/errors';
import type { Recipe } from '@tributary/protocol/recipe';
import type { SamplerName } from '@tributary/protocol/recipe-diffusion';
import { randomStream, type Engine, type RandomStream } from '@tributary/tensor';
import { createDiffusionModel, type DiffusionModel } from '../parameterisation/diffusion-model.js';
import { denoisedFrom } from '../parameterisation/prediction.js';
import type { Denoiser } from '../samplers/sampler.js';
import { EvaluationBatcher, type EvaluationRequest } from './evaluation-batcher.js';
import { guidedDenoiser } from '../conditioning/classifier-free-guidance.js';
import { createNetworkProgram, type NetworkProgram } from './network-program.js';
import { planSampling } from './sampling-plan.js';

/** How far sampling has come. */
export interface SamplingProgress {
  readonly imagesDone: number;
  readonly imagesTotal: number;
  /** Moves done of the images under way, summed over all images. */
  readonly movesDone: number;
  readonly movesTotal: number;
}

export interface GenerateOptions {
  /** One image a seed; an integer in [0, 2^32). */
  readonly seeds: readonly number[];
  /** Row of the class embedding for each seed. */
  readonly classRows: Int32Array;
  /** Default: that of the recipe's evaluation. */
  readonly sampler?: SamplerName;
  readonly steps?: number;
  /** Classifier-free guidance, Ho & Salimans 2022: 1 means none. */
  readonly guidance?: number;
  /** Images that advance together; changes the speed, never an image. Default 16. */
  readonly batchSize?: number;
  readonly onProgress?: (progress: SamplingProgress) => void;
  readonly signal?: AbortSignal;
}

/** Makes images from one set of weights. */
export interface Generator {
  /** Replaces the weights: one flat vector in manifest order. */
  setWeights(weights: Float32Array): void;
  /**
   * One [height, width, channels] image in about [-1, 1] for each seed. An image depends on its seed, its class row and the
   * options, never on the batch it was made in.
   *
   * @throws RangeError when numbers of seeds and rows differ or a row does not exist.
   * @throws TributaryError `SAMPLER_INCOMPATIBLE`; the signal's reason when aborted.
   */
  generate(options: GenerateOptions): Promise<Float32Array[]>;
  dispose(): Promise<void>;
}

export interface SamplerOptions {
  readonly engine: Engine;
  readonly recipe: Recipe;
  /** Rows of the class embedding, as `embeddingRows` counts them. */
  readonly classRows: number;
  /** Flat weights in manifest order. */
  readonly weights: Float32Array;
}

/** Images that advance together unless told otherwise. */
const DEFAULT_BATCH_SIZE = 16;

/**
 * Images in one call of the network. It never changes: matrix products round differently with other numbers of rows, and an
 * image must have the same bits whatever batch it was made in.
 */
const EVALUATION_BATCH_SIZE = 8;

/** Records the network's forward pass and binds it to the recipe's process. */
export async function createSampler(options: SamplerOptions): Promise<Generator> {
  const { engine, recipe, classRows } = options;
  const model = createDiffusionModel(recipe);
  const program = await createNetworkProgram({ engine, recipe, classRows, batchSize: EVALUATION_BATCH_SIZE });
  program.setWeights(options.weights);
  return {
    setWeights: (weights) => {
      program.setWeights(weights);
    },
    generate: async (request) => {
      assertRequest(request, classRows);
      return generateImages(request, { recipe, model, program, classRows });
    },
    dispose: () => program.dispose(),
  };
}

interface Parts {
  readonly recipe: Recipe;
  readonly model: DiffusionModel;
  readonly program: NetworkProgram;
  readonly classRows: number;
}

async function generateImages(request: GenerateOptions, parts: Parts): Promise<Float32Array[]> {
  const { seeds, batchSize = DEFAULT_BATCH_SIZE } = request;
  const makeImage = imageMaker(request, parts);
  const images: Float32Array[] = [];
  for (let begin = 0; begin < seeds.length; begin += batchSize) {
    const group = seeds.slice(begin, begin + batchSize);
    const made = await Promise.all(group.map((seed, i) => makeImage(seed, request.classRows[begin + i] ?? 0)));
    images.push(...made);
  }
  return images;
}

/** Binds everything but seed and class row. */
function imageMaker(
  request: GenerateOptions,
  { recipe, model, program, classRows }: Parts,
): (seed: number, classRow: number) => Promise<Float32Array> {
  const { evaluation, image } = recipe;
  const plan = planSampling({
    process: model.process,
    sampler: request.sampler ?? evaluation.sampler,
    steps: request.steps ?? evaluation.steps,
    rho: recipe.process.kind === 'edm' ? recipe.process.rho : undefined,
  });
  const guidance = request.guidance ?? evaluation.guidance;
  if (guidance !== 1 && recipe.conditioning.dropout === 0) {
    throw new TributaryError('SAMPLER_INCOMPATIBLE', {
      detail: 'guidance needs a model trained with conditioning.dropout > 0; use guidance 1',
    });
  }
  const batcher = new EvaluationBatcher(
    (requests: readonly EvaluationRequest[]) => program.evaluate(requests),
    program.batchSize,
  );
  const size = image.sizePx ** 2 * image.channels;
  const progress = progressCounter(request, plan.levels.length - 1);

  return async (seed, classRow) => {
    const conditional = denoiserFor(model, batcher, classRow);
    const denoiser = guidedDenoiser(conditional, denoiserFor(model, batcher, classRows - 1), guidance);
    const random = randomStream(seed, 'sampling');
    const x = await plan.sampler({
      denoiser,
      process: model.process,
      start: normals(random, size).map((value) => value * plan.startStddev),
      levels: plan.levels,
      noise: () => normals(random, size),
      afterStep: (state) => {
        request.signal?.throwIfAborted();
        progress.move();
        return state;
      },
    });
    progress.image();
    return Float32Array.from(x);
  };
}

function denoiserFor(
  model: DiffusionModel,
  batcher: EvaluationBatcher<EvaluationRequest, Float64Array>,
  classRow: number,
): Denoiser {
  return async (x, level) => {
    const factors = model.preconditioning(level);
    const output = await batcher.request({
      image: x.map((value) => value * factors.input),
      noiseLevel: model.conditioning(level),
      classRow,
    });
    return denoisedFrom(factors, x, output);
  };
}

function normals(random: RandomStream, size: number): Float64Array {
  const values = new Float32Array(size);
  random.fillNormal(values);
  return Float64Array.from(values);
}

function progressCounter(
  { seeds, onProgress }: GenerateOptions,
  movesPerImage: number,
): { move: () => void; image: () => void } {
  let imagesDone = 0;
  let movesDone = 0;
  const report = (): void =>
    onProgress?.({ imagesDone, imagesTotal: seeds.length, movesDone, movesTotal: seeds.length * movesPerImage });
  return {
    move: () => {
      movesDone++;
      report();
    },
    image: () => {
      imagesDone++;
      report();
    },
  };
}

function assertRequest({ seeds, classRows: rows, batchSize = 1 }: GenerateOptions, classRows: number): void {
  if (!Number.isInteger(batchSize) || batchSize < 1) throw new RangeError(`batchSize must be >= 1, got ${batchSize}`);
  if (rows.length !== seeds.length) throw new RangeError(`${seeds.length} seeds need as many rows, got ${rows.length}`);
  const wrong = rows.find((row) => row < 0 || row >= classRows);
  if (wrong !== undefined) throw new RangeError(`class rows lie in [0, ${classRows}), got ${wrong}`);
}
