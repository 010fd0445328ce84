import { lowResolution } from '@tributary/diffusion';
import { TributaryError } from '@tributary/protocol/errors';
import { fieldsText } from '@tributary/protocol/problem';
import { imageValues } from '@tributary/protocol/image-shape';
import { embeddingRow, type Recipe } from '@tributary/protocol/recipe';
import { randomStream } from '@tributary/random';
import { drawIndices } from '../bench/quality/draw-indices.js';
import type { CommandContext } from '../command-context.js';
import { drawSamples } from '../models/generation/generate.js';
import { planSamples, samplerOf, type SamplePlan } from '../models/generation/generate-request.js';
import type { Model } from '../models/folder/model-folder.js';
import type { EvaluateOptions } from './evaluate-request.js';
import type { RealImages } from './real-images.js';

/** What the model made. */
export interface SyntheticImages {
  readonly plans: readonly SamplePlan[];
  readonly images: readonly Float32Array[];
}

export interface SynthesisRequest {
  readonly model: Model;
  readonly options: EvaluateOptions;
  readonly real: RealImages;
}

/**
 * Looks at a request before images are read, which takes minutes.
 *
 * @throws TributaryError USAGE_INVALID for a model that goes by images which a folder does not have, and for a class or site that
 *         the model does not have; SAMPLER_INCOMPATIBLE for no sampler's name.
 */
export function assertSynthesisRequest(options: EvaluateOptions, model: Model): void {
  if (model.recipe.conditioning.image?.kind === 'given') {
    const fields = [{ path: '--model', expected: 'a model without image conditions: the folder has no pairs' }];
    throw new TributaryError('USAGE_INVALID', { detail: fieldsText(fields), fields });
  }
  planSamples(options, model);
  samplerOf(options.sampler);
}

/**
 * As many images as were asked for, each of the class of a real one (so that classes are as frequent as in the folder), and where
 * utility is measured half as many more of the scarce classes.
 *
 * @param request As `assertSynthesisRequest` has passed it.
 */
export async function makeSynthetic(
  context: CommandContext,
  { model, options, real }: SynthesisRequest,
  scarceCount: number,
): Promise<SyntheticImages> {
  const { recipe } = model;
  const { indices, plans } = chosenPlans({ model, options, real }, scarceCount);
  const conditions = conditionsOf(recipe, real, indices);
  const images = await drawSamples(context, model, { options, plans, ...(conditions && { inputs: { conditions } }) });
  return { plans, images };
}

function chosenPlans({ model, options, real }: SynthesisRequest, scarceCount: number) {
  const { recipe } = model;
  const { classIndex } = real.dataset;
  const random = randomStream(recipe.seed, 'evaluate');
  const scarce = [...classIndex.keys()].filter((i) => isScarce(recipe, classIndex[i] ?? 0));
  const more = scarce.length === 0 ? 0 : scarceCount;
  const indices = Int32Array.from([
    ...drawIndices(classIndex.length, options.count, random),
    ...Array.from(drawIndices(Math.max(1, scarce.length), more, random), (i) => scarce[i] ?? 0),
  ]);
  const plans = planSamples({ ...options, count: indices.length }, model).map((plan, place) =>
    options.class === undefined ? withClass(plan, recipe, classIndex[indices[place] ?? 0] ?? 0) : plan,
  );
  return { indices, plans };
}

/** The plan with another class at the same site. */
function withClass(plan: SamplePlan, recipe: Recipe, classIndex: number): SamplePlan {
  const siteIndex = recipe.conditioning.site ? Math.floor(plan.classRow / recipe.classes.length) : 0;
  const className = recipe.classes[classIndex] ?? '';
  return { ...plan, className, classRow: embeddingRow(recipe, siteIndex, classIndex) };
}

/** A super-resolving model gets the coarse real images to go by. */
function conditionsOf(recipe: Recipe, { dataset }: RealImages, indices: Int32Array): Float32Array[] | undefined {
  const { image, conditioning } = recipe;
  if (conditioning.image?.kind !== 'low-resolution') return undefined;
  const { factor } = conditioning.image;
  const size = imageValues(image);
  return Array.from(indices, (i) => lowResolution(dataset.images.subarray(i * size, (i + 1) * size), image, factor));
}

/** Whether the utility's classifier looks for this class. */
export function isScarce({ classes, evaluation }: Recipe, classIndex: number): boolean {
  return evaluation.scarceClasses.includes(classes[classIndex] ?? '');
}
