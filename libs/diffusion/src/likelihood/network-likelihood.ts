import { TributaryError } from '@tributary/protocol/errors';
import type { Recipe } from '@tributary/protocol/recipe';
import { SAMPLERS } from '@tributary/protocol/samplers';
import { randomStream } from '@tributary/random';
import { conditionChannels, imageValues } from '@tributary/protocol/image-shape';
import { createDiffusionModel, type DiffusionModel } from '../parameterisation/diffusion-model.js';
import { denoisedFrom } from '../parameterisation/prediction.js';
import { EvaluationBatcher } from '../sampling/evaluation-batcher.js';
import { allAFewAtATime } from './a-few-at-a-time.js';
import { bitsPerDimension, logLikelihood, type ProbedDenoiser } from './log-likelihood.js';
import {
  createProbedNetwork,
  PROBED_BATCH_SIZE,
  type ProbedNetworkOptions,
  type ProbedOutput,
  type ProbedRequest,
} from './probed-network.js';

export type LikelihoodEstimatorOptions = ProbedNetworkOptions;

/** How far an estimate has come. */
export interface LikelihoodProgress {
  readonly imagesDone: number;
  readonly imagesTotal: number;
  /** Evaluations of the network so far, summed over all images and probes; nobody knows how many the solver will make. */
  readonly evaluations: number;
}

export interface LikelihoodRequest {
  /** [height, width, channels] each, in [-1, 1]. */
  readonly images: readonly Float32Array[];
  /** Row of the class embedding for each image. */
  readonly classRows: Int32Array;
  /** Of the probes; the estimate is unbiased for any. */
  readonly seed: number;
  /** Of the ODE solver (paper and default: 1e-5). */
  readonly tolerance?: number;
  /** Probes an image, whose estimates are averaged; an integer >= 1, the default. */
  readonly traceSamples?: number;
  readonly onProgress?: (progress: LikelihoodProgress) => void;
  readonly signal?: AbortSignal;
}

/** Log likelihoods of images under a trained model. */
export interface LikelihoodEstimator {
  /**
   * Bits per dimension of 8-bit pixels, one number an image; it depends on the image, its class row and its place in the list.
   *
   * @throws RangeError when numbers of images and rows differ or `traceSamples` is not an integer >= 1; the signal's reason when aborted.
   */
  bitsPerDimension(request: LikelihoodRequest): Promise<number[]>;
  dispose(): Promise<void>;
}

/**
 * Makes sure that a recipe's models have a likelihood.
 *
 * @throws TributaryError `RECIPE_INCOMPATIBLE` for processes with fixed steps, which have no ODE, and for models with an image condition.
 */
export function assertHasLikelihood(recipe: Recipe): void {
  if (!SAMPLERS.ode.processes.includes(recipe.process.kind)) {
    const fitting = SAMPLERS.ode.processes.join(', ');
    throw new TributaryError('RECIPE_INCOMPATIBLE', { detail: `likelihood needs one of the processes ${fitting}` });
  }
  if (conditionChannels(recipe) > 0) {
    throw new TributaryError('RECIPE_INCOMPATIBLE', { detail: 'likelihood is of images without an image condition' });
  }
}

/**
 * Likelihood by the probability-flow ODE with Hutchinson's probes, Song et al. 2021, appendix D.2.
 * The marginal at the process's earliest time stands for the data.
 *
 * @throws TributaryError `RECIPE_INCOMPATIBLE`, as `assertHasLikelihood`.
 */
export async function createLikelihoodEstimator(options: LikelihoodEstimatorOptions): Promise<LikelihoodEstimator> {
  assertHasLikelihood(options.recipe);
  const model = createDiffusionModel(options.recipe);
  const network = await createProbedNetwork(options);
  const batcher = new EvaluationBatcher(
    (requests: readonly ProbedRequest[]) => network.evaluate(requests),
    PROBED_BATCH_SIZE,
  );
  const size = imageValues(options.recipe.image);
  return {
    bitsPerDimension: async (request) => {
      assertRequest(request);
      const estimate = imageEstimate(request, { model, batcher, size });
      const jobs = request.images.map((image, i) => () => estimate(image, i));
      return allAFewAtATime(jobs, Math.ceil(PROBED_BATCH_SIZE / (request.traceSamples ?? 1)));
    },
    dispose: () => network.dispose(),
  };
}

interface EstimateParts {
  readonly model: DiffusionModel;
  readonly batcher: EvaluationBatcher<ProbedRequest, ProbedOutput>;
  /** Values of an image. */
  readonly size: number;
}

/** Bits per dimension of an image at a place in the request's list. */
function imageEstimate(
  request: LikelihoodRequest,
  { model, batcher, size }: EstimateParts,
): (image: Float32Array, place: number) => Promise<number> {
  const { classRows, seed, tolerance, traceSamples = 1, signal } = request;
  const { process } = model;
  const progress = progressOf(request);
  return async (image, place) => {
    const answer = probedDenoiser(model, batcher, classRows[place] ?? 0);
    const denoiser: ProbedDenoiser = (...noisy) => {
      signal?.throwIfAborted();
      progress.evaluated();
      return answer(...noisy);
    };
    const estimates = await Promise.all(
      Array.from({ length: traceSamples }, (_, k) => {
        const probe = rademacher(size, seed, [place, k]);
        const options = { process, denoiser, probe, fromTime: process.minTime, tolerance };
        return logLikelihood(Float64Array.from(image), options);
      }),
    );
    progress.finished();
    const logDensity = estimates.reduce((sum, estimate) => sum + estimate.logDensity, 0) / traceSamples;
    return bitsPerDimension(logDensity, size);
  };
}

function assertRequest({ images, classRows, traceSamples = 1 }: LikelihoodRequest): void {
  if (classRows.length !== images.length)
    throw new RangeError(`${images.length} images need as many rows, got ${classRows.length}`);
  if (!Number.isInteger(traceSamples) || traceSamples < 1)
    throw new RangeError(`traceSamples must be an integer >= 1, got ${traceSamples}`);
}

function progressOf({ images, onProgress }: LikelihoodRequest): { evaluated(): void; finished(): void } {
  let [imagesDone, evaluations] = [0, 0];
  const tell = (): void => onProgress?.({ imagesDone, imagesTotal: images.length, evaluations });
  return {
    evaluated: () => {
      evaluations++;
      tell();
    },
    finished: () => {
      imagesDone++;
      tell();
    },
  };
}

function probedDenoiser(
  model: DiffusionModel,
  batcher: EvaluationBatcher<ProbedRequest, ProbedOutput>,
  classRow: number,
): ProbedDenoiser {
  return async (x, level, probe) => {
    const factors = model.preconditioning(level);
    const { output, quadraticForm } = await batcher.request({
      image: x.map((value) => value * factors.input),
      probe,
      noiseLevel: model.conditioning(level),
      classRow,
    });
    const probeSquared = probe.reduce((sum, value) => sum + value ** 2, 0);
    return {
      denoised: denoisedFrom(factors, x, output),
      // ∂D/∂x = skip I + output input ∂F/∂input
      quadraticForm: factors.skip * probeSquared + factors.output * factors.input * quadraticForm,
    };
  };
}

function rademacher(size: number, seed: number, place: readonly [image: number, probe: number]): Float64Array {
  const random = randomStream(seed, 'likelihood-probe', ...place);
  return Float64Array.from({ length: size }, () => (random.uniform() < 0.5 ? -1 : 1));
}
