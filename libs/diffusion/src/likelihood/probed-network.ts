import type { Recipe } from '@tributary/protocol/recipe';
import { imageShape, imageValues } from '@tributary/protocol/image-shape';
import { unflatten } from '@tributary/layers';
import type { Engine, Program } from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { buildNetwork } from '../network/build-network.js';
import { asImages, imagesOf, type Images } from '../network/images.js';
import { tensorOf } from '../network/tensor-of.js';

export interface ProbedNetworkOptions {
  readonly engine: Engine;
  readonly recipe: Recipe;
  /** Rows of the class embedding, as `embeddingRows` counts them. */
  readonly classRows: number;
  /** Flat weights in manifest order. */
  readonly weights: Float32Array;
}

/** Images in one call. */
export const PROBED_BATCH_SIZE = 8;

export interface ProbedRequest {
  /** Already scaled for the network. */
  readonly image: Float64Array;
  readonly probe: Float64Array;
  readonly noiseLevel: number;
  readonly classRow: number;
}

export interface ProbedOutput {
  readonly output: Float64Array;
  /** probeᵀ (∂F/∂input) probe. */
  readonly quadraticForm: number;
}

/** A network's output together with one probe of its Jacobian, for a fixed batch size. */
export interface ProbedNetwork {
  /** Answers for up to `PROBED_BATCH_SIZE` requests; unused places are filled and ignored. */
  evaluate(requests: readonly ProbedRequest[]): Promise<ProbedOutput[]>;
  dispose(): Promise<void>;
}

/** Records forward pass and gradient of the projected output. */
export async function createProbedNetwork(options: ProbedNetworkOptions): Promise<ProbedNetwork> {
  const program = await recordProbedNetwork(options);
  program.writeState('weights', options.weights);
  const size = imageValues(options.recipe.image);
  return {
    evaluate: (requests) => evaluateProbed(program, requests, size),
    dispose: () => program.dispose(),
  };
}

function recordProbedNetwork({ engine, recipe, classRows }: ProbedNetworkOptions): Promise<Program> {
  const network = buildNetwork(recipe, classRows);
  const image = { shape: [PROBED_BATCH_SIZE, ...imageShape(recipe.image)] };
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
      const quadraticForm = tf.sum(tf.reshape(products, [PROBED_BATCH_SIZE, -1]), 1);
      return { outputs: { output: forward(x), quadraticForm } };
    },
    {
      inputs: {
        image,
        probe: image,
        noiseLevel: { shape: [PROBED_BATCH_SIZE] },
        classRow: { shape: [PROBED_BATCH_SIZE], dtype: 'int32' },
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
    image: new Float32Array(PROBED_BATCH_SIZE * size),
    probe: new Float32Array(PROBED_BATCH_SIZE * size),
    noiseLevel: new Float32Array(PROBED_BATCH_SIZE),
    classRow: new Int32Array(PROBED_BATCH_SIZE),
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
