import { TributaryError } from '@tributary/protocol/errors';
import type { Recipe } from '@tributary/protocol/recipe';
import { randomStream, type RandomStream } from '@tributary/tensor';
import { guidedDenoiser } from '../conditioning/classifier-free-guidance.js';
import type { DiffusionModel } from '../parameterisation/diffusion-model.js';
import { denoisedFrom } from '../parameterisation/prediction.js';
import type { Denoiser } from '../samplers/sampler.js';
import { EvaluationBatcher, type EvaluationRequest } from './evaluation-batcher.js';
import type { GenerateOptions } from './generate-options.js';
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

/** Makes one image from a seed for a row of the class embedding. */
export type ImageMaker = (seed: number, classRow: number) => Promise<Float32Array>;

/**
 * Binds everything but seed and class row.
 *
 * @throws TributaryError `SAMPLER_INCOMPATIBLE` when the sampler or the guidance does not fit the model.
 */
export function imageMaker(request: GenerateOptions, { recipe, model, program, classRows }: ImageParts): ImageMaker {
  const plan = planFor(request, recipe, model);
  const guidance = guidanceFor(request, recipe);
  const batcher = new EvaluationBatcher(
    (requests: readonly EvaluationRequest[]) => program.evaluate(requests),
    program.batchSize,
  );
  const denoiserOf = (classRow: number): Denoiser => networkDenoiser(model, batcher, classRow);
  const size = recipe.image.sizePx ** 2 * recipe.image.channels;
  const progress = progressCounter(request.seeds.length, plan.levels.length - 1, request.onProgress);

  return async (seed, classRow) => {
    const random = randomStream(seed, 'sampling');
    const x = await plan.sampler({
      denoiser: guidedDenoiser(denoiserOf(classRow), denoiserOf(classRows - 1), guidance),
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

function planFor({ sampler, steps }: GenerateOptions, recipe: Recipe, { process }: DiffusionModel): SamplingPlan {
  return planSampling({
    process,
    sampler: sampler ?? recipe.evaluation.sampler,
    steps: steps ?? recipe.evaluation.steps,
    rho: recipe.process.kind === 'edm' ? recipe.process.rho : undefined,
  });
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

function networkDenoiser(
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
