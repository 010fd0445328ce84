import type { Recipe } from '@tributary/protocol/recipe';
import type { Engine } from '@tributary/tensor';
import { conditionChannels, imageValues } from '@tributary/protocol/image-shape';
import { createDiffusionModel } from '../parameterisation/diffusion-model.js';
import type { GenerateOptions } from './generate-options.js';
import { imageMaker, type ImageParts } from './image-maker.js';
import { createNetworkProgram, type NetworkProgram } from './network-program.js';

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
 * Images in one call of the network: the lesser number as long as it holds them. On a processor ONNX Runtime gives an image the
 * same bits in both, whatever batch it was made in; one place alone would not, as products with a single row are computed
 * otherwise. Other engines always have the lesser number.
 */
const FEW_PLACES = 8;
const MANY_PLACES = 16;

/** Records the network's forward pass and binds it to the recipe's process. */
export async function createSampler(options: SamplerOptions): Promise<Generator> {
  const { engine, recipe, classRows } = options;
  const model = createDiffusionModel(recipe);
  const few = await createNetworkProgram({ ...options, batchSize: FEW_PLACES });
  let weights = options.weights.slice();
  let many: NetworkProgram | undefined;
  few.setWeights(weights);
  const programFor = async (images: number): Promise<NetworkProgram> => {
    if (images <= FEW_PLACES || engine.name !== 'onnx' || engine.device !== 'cpu') return few;
    if (many === undefined) {
      many = await createNetworkProgram({ ...options, batchSize: MANY_PLACES });
      many.setWeights(weights);
    }
    return many;
  };
  return {
    setWeights: (next) => {
      weights = next.slice();
      few.setWeights(next);
      many?.setWeights(next);
    },
    generate: async (request) => {
      assertRequest(request, recipe, classRows);
      const together = Math.min(request.seeds.length, request.batchSize ?? DEFAULT_BATCH_SIZE);
      return generateImages(request, { recipe, model, program: await programFor(together), classRows });
    },
    dispose: async () => {
      await many?.dispose();
      await few.dispose();
    },
  };
}

async function generateImages(request: GenerateOptions, parts: ImageParts): Promise<Float32Array[]> {
  const { seeds, batchSize = DEFAULT_BATCH_SIZE } = request;
  const makeImage = imageMaker({ ...request, batchSize }, parts);
  const images: Float32Array[] = [];
  for (let begin = 0; begin < seeds.length; begin += batchSize) {
    const group = seeds.slice(begin, begin + batchSize);
    const made = await allOf(
      group.map((seed, i) =>
        makeImage({ seed, classRow: request.classRows[begin + i] ?? 0, condition: request.conditions?.[begin + i] }),
      ),
    );
    images.push(...made);
  }
  return images;
}

/** All results, or the first failure once nothing runs any more: the program that they share must be free for the next call. */
async function allOf<T>(running: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(running);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

function assertRequest(request: GenerateOptions, recipe: Recipe, classRows: number): void {
  const { seeds, classRows: rows, batchSize = 1 } = request;
  if (!Number.isInteger(batchSize) || batchSize < 1) throw new RangeError(`batchSize must be >= 1, got ${batchSize}`);
  if (rows.length !== seeds.length) throw new RangeError(`${seeds.length} seeds need as many rows, got ${rows.length}`);
  const wrong = rows.find((row) => row < 0 || row >= classRows);
  if (wrong !== undefined) throw new RangeError(`class rows lie in [0, ${classRows}), got ${wrong}`);
  assertConditions(request, recipe);
}

function assertConditions({ seeds, conditions }: GenerateOptions, recipe: Recipe): void {
  const channels = conditionChannels(recipe);
  if (channels === 0 && conditions !== undefined) throw new RangeError('the model has no image condition');
  if (channels === 0) return;
  if (conditions?.length !== seeds.length)
    throw new RangeError(`${seeds.length} seeds need as many image conditions, got ${conditions?.length ?? 0}`);
  const size = (imageValues(recipe.image) / recipe.image.channels) * channels;
  const wrong = conditions.find((condition) => condition.length !== size);
  if (wrong) throw new RangeError(`an image condition has ${size} values, got ${wrong.length}`);
}
