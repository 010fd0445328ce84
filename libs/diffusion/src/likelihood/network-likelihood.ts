import { TributaryError } from '@tributary/protocol/errors';
import type { Recipe } from '@tributary/protocol/recipe';
import { SAMPLERS } from '@tributary/protocol/samplers';
import { randomStream } from '@tributary/random';
import { unflatten } from '@tributary/layers';
import type { Engine, Program } from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { conditionChannels, imageShape, imageValues } from '@tributary/protocol/image-shape';
import { buildNetwork } from '../network/build-network.js';
import { asImages, imagesOf, type Images } from '../network/images.js';
import { tensorOf } from '../network/tensor-of.js';
import { createDiffusionModel, type DiffusionModel } from '../parameterisation/diffusion-model.js';
import { denoisedFrom } from '../parameterisation/prediction.js';
import { EvaluationBatcher } from '../sampling/evaluation-batcher.js';
import { bitsPerDimension, logLikelihood, type ProbedDenoiser } from './log-likelihood.js';

export interface LikelihoodEstimatorOptions {
  readonly engine: Engine;
  readonly recipe: Recipe;
  /** Rows of the class embedding, as `embeddingRows` counts them. */
  readonly classRows: number;
  /** Flat weights in manifest order. */
  readonly weights: Float32Array;
}

export interface LikelihoodRequest {
  /** [height, width, channels] each, in [-1, 1]. */
  readonly images: readonly Float32Array[];
  /** Row of the class embedding for each image. */
  readonly classRows: Int32Array;
  /** Of the probes; the estimate is unbiased for any. */
  readonly seed: number;
  /** Of the ODE solver (paper: 1e-5). */
  readonly tolerance?: number;
}

/** Log likelihoods of images under a trained model. */
export interface LikelihoodEstimator {
  /** Bits per dimension of 8-bit pixels, one number an image. */
  bitsPerDimension(request: LikelihoodRequest): Promise<number[]>;
  dispose(): Promise<void>;
}

const BATCH_SIZE = 8;

/**
 * Likelihood by the probability-flow ODE with one Hutchinson probe an image, Song et al. 2021, appendix D.2.
 * The marginal at the process's earliest time stands for the data.
 *
 * @throws TributaryError `RECIPE_INCOMPATIBLE` for processes with fixed steps, which have no ODE, and for models with an image condition.
 */
export async function createLikelihoodEstimator(options: LikelihoodEstimatorOptions): Promise<LikelihoodEstimator> {
  const { recipe } = options;
  if (!SAMPLERS.ode.processes.includes(recipe.process.kind)) {
    const fitting = SAMPLERS.ode.processes.join(', ');
    throw new TributaryError('RECIPE_INCOMPATIBLE', { detail: `likelihood needs one of the processes ${fitting}` });
  }
  if (conditionChannels(recipe) > 0) {
    throw new TributaryError('RECIPE_INCOMPATIBLE', { detail: 'likelihood is of images without an image condition' });
  }
  const model = createDiffusionModel(recipe);
  const program = await recordProbedNetwork(options);
  program.writeState('weights', options.weights);
  const size = imageValues(recipe.image);
  const batcher = new EvaluationBatcher(
    (requests: readonly ProbedRequest[]) => evaluateProbed(program, requests, size),
    BATCH_SIZE,
  );

  const { process } = model;
  return {
    bitsPerDimension: ({ images, classRows, seed, tolerance }) =>
      Promise.all(
        images.map(async (image, i) => {
          const { logDensity } = await logLikelihood(Float64Array.from(image), {
            process,
            denoiser: probedDenoiser(model, batcher, classRows[i] ?? 0),
            probe: rademacher(size, seed, i),
            fromTime: process.minTime,
            tolerance,
          });
          return bitsPerDimension(logDensity, size);
        }),
      ),
    dispose: () => program.dispose(),
  };
}

interface ProbedRequest {
  /** Already scaled for the network. */
  readonly image: Float64Array;
  readonly probe: Float64Array;
  readonly noiseLevel: number;
  readonly classRow: number;
}

interface ProbedOutput {
  readonly output: Float64Array;
  /** probeᵀ (∂F/∂input) probe. */
  readonly quadraticForm: number;
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

function recordProbedNetwork({ engine, recipe, classRows }: LikelihoodEstimatorOptions): Promise<Program> {
  const network = buildNetwork(recipe, classRows);
  const image = { shape: [BATCH_SIZE, ...imageShape(recipe.image)] };
  return engine.compile(
    (inputs, state) => {
      const parameters = unflatten(tensorOf(state, 'weights', tf.Rank.R1), network.manifest);
      const conditions = {
        noiseLevel: tensorOf(inputs, 'noiseLevel', tf.Rank.R1),
        classRow: tensorOf(inputs, 'classRow', tf.Rank.R1),
      };
      const x = imagesOf(inputs, 'image');
      const probe = imagesOf(inputs, 'probe');
      const forward = (input: tf.Tensor): Images => network.forward({ parameters }, asImages(input), conditions);
      const projected = (input: tf.Tensor): tf.Tensor => tf.sum(tf.mul(forward(input), probe));
      const products = tf.mul(tf.grad(projected)(x), probe);
      const quadraticForm = tf.sum(tf.reshape(products, [BATCH_SIZE, -1]), 1);
      return { outputs: { output: forward(x), quadraticForm } };
    },
    {
      inputs: {
        image,
        probe: image,
        noiseLevel: { shape: [BATCH_SIZE] },
        classRow: { shape: [BATCH_SIZE], dtype: 'int32' },
      },
      state: { weights: { shape: [network.parameterCount] } },
    },
    { label: 'likelihood' },
  );
}

async function evaluateProbed(
  program: Program,
  requests: readonly ProbedRequest[],
  size: number,
): Promise<ProbedOutput[]> {
  const arrays = {
    image: new Float32Array(BATCH_SIZE * size),
    probe: new Float32Array(BATCH_SIZE * size),
    noiseLevel: new Float32Array(BATCH_SIZE),
    classRow: new Int32Array(BATCH_SIZE),
  };
  requests.forEach((request, i) => {
    arrays.image.set(request.image, i * size);
    arrays.probe.set(request.probe, i * size);
    arrays.noiseLevel[i] = request.noiseLevel;
    arrays.classRow[i] = request.classRow;
  });
  const { output, quadraticForm } = await program.run(arrays);
  return requests.map((_, i) => ({
    output: Float64Array.from(output?.subarray(i * size, (i + 1) * size) ?? []),
    quadraticForm: quadraticForm?.[i] ?? NaN,
  }));
}

function rademacher(size: number, seed: number, index: number): Float64Array {
  const random = randomStream(seed, 'likelihood-probe', index);
  return Float64Array.from({ length: size }, () => (random.uniform() < 0.5 ? -1 : 1));
}
