import { TributaryError } from '@tributary/protocol/errors';
import type { Recipe } from '@tributary/protocol/recipe';
import { SAMPLERS, type SamplerName } from '@tributary/protocol/samplers';
import { randomStream, type RandomStream } from '@tributary/random';
import { imageValues } from '@tributary/protocol/image-shape';
import type { DiffusionModel } from '../parameterisation/diffusion-model.js';
import { editedPlan, type ImageEdit } from './image-edit.js';
import type { Denoiser } from '../samplers/sampler.js';
import { EvaluationBatcher, type EvaluationRequest } from './evaluation-batcher.js';
import type { GenerateOptions } from './generate-options.js';
import { guidedNetwork } from './network-denoiser.js';
import type { NetworkProgram } from './network-program.js';
import { progressCounter } from './sampling-progress.js';
import { planSampling, type SamplingPlan } from './sampling-plan.js';

/** What images are made with. */
export interface ImageParts {
  readonly recipe: Recipe;
  readonly model: DiffusionModel;
  readonly program: NetworkProgram;
  readonly classRows: number;
}

/** What is asked of one image. */
export interface ImageRequest {
  readonly seed: number;
  readonly classRow: number;
  /** The image condition, where the model has one. */
  readonly condition?: Float32Array;
}

export type ImageMaker = (image: ImageRequest) => Promise<Float32Array>;

/**
 * Binds everything but seed and conditions.
 *
 * @throws TributaryError `SAMPLER_INCOMPATIBLE` when the sampler or the guidance does not fit the model.
 */
export function imageMaker(request: GenerateOptions, { recipe, model, program, classRows }: ImageParts): ImageMaker {
  const size = imageValues(recipe.image);
  const plan = editedPlan(planFor(request, recipe, model), request.edit, size);
  const guidance = guidanceFor(request, recipe);
  const batcher = new EvaluationBatcher(
    (requests: readonly EvaluationRequest[]) => program.evaluate(requests),
    program.batchSize,
  );
  const progress = progressCounter({
    imagesTotal: request.seeds.length,
    batchSize: request.batchSize ?? request.seeds.length,
    steps: plan.isAdaptive ? null : plan.levels.length - 1,
    report: request.onProgress,
  });

  return async ({ seed, classRow, condition }) => {
    const random = randomStream(seed, 'sampling');
    const network = { model, batcher, channels: recipe.image.channels, condition };
    const noClassRow = classRows - 1;
    const denoiserOf = (row: number): Denoiser =>
      guidedNetwork(network, { classRow: row, noClassRow, guidance: 1 }).denoiser;
    const { process } = model;
    const x = await plan.sampler({
      ...guidedNetwork(network, { classRow, noClassRow, guidance }),
      process,
      start: await plan.start({ noise: normals(random, size), classRow, denoiserOf, process }),
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

/** Steps and settings of the recipe are those of its own sampler; another one comes with its usual ones. */
function planFor(
  { sampler: asked, steps, settings, edit, guide, consistency }: GenerateOptions,
  { evaluation, process: recipeProcess }: Recipe,
  { process, output }: DiffusionModel,
): SamplingPlan {
  const sampler = samplerFor(asked, edit) ?? evaluation.sampler;
  if (edit?.encodedAs && settings?.eta)
    throw new TributaryError('SAMPLER_INCOMPATIBLE', { detail: 'settings.eta must be 0: encoding draws no noise' });
  const isRecipes = sampler === evaluation.sampler;
  const usualSteps = process.isDiscrete
    ? Math.min(SAMPLERS[sampler].usualSteps, process.maxTime + 1)
    : SAMPLERS[sampler].usualSteps;
  return planSampling({
    process,
    output,
    sampler,
    steps: steps ?? (isRecipes ? evaluation.steps : usualSteps),
    settings: settings ?? (isRecipes && !edit?.encodedAs ? evaluation.settings : {}),
    rho: recipeProcess.kind === 'edm' ? recipeProcess.rho : undefined,
    stepsPerLevel: recipeProcess.kind === 'ncsn' ? recipeProcess.stepsPerLevel : undefined,
    guide,
    consistency,
  });
}

/** Inpainting makes its own ancestral moves; an encoded image comes back by the moves that encoded it. */
function samplerFor(sampler: SamplerName | undefined, edit: ImageEdit | undefined): SamplerName | undefined {
  if (edit?.mask !== undefined) return onlySampler(sampler, 'ddpm', 'cannot fill a mask');
  if (edit?.encodedAs !== undefined) return onlySampler(sampler, 'ddim', 'cannot bring an encoded image back');
  return sampler;
}

function onlySampler(asked: SamplerName | undefined, fitting: SamplerName, because: string): SamplerName {
  if (asked === undefined || asked === fitting) return fitting;
  throw new TributaryError('SAMPLER_INCOMPATIBLE', { detail: `${asked} ${because}; use ${fitting}` });
}

function guidanceFor({ guidance: asked }: GenerateOptions, { conditioning, evaluation }: Recipe): number {
  const guidance = asked ?? evaluation.guidance;
  if (guidance !== 1 && conditioning.dropout === 0) {
    throw new TributaryError('SAMPLER_INCOMPATIBLE', {
      detail: 'guidance needs a model trained with conditioning.dropout > 0; use guidance 1',
    });
  }
  return guidance;
}

function normals(random: RandomStream, size: number): Float64Array {
  const values = new Float32Array(size);
  random.fillNormal(values);
  return Float64Array.from(values);
}
