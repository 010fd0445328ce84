import type { Recipe } from '@tributary/protocol';
import { unflatten, type Engine } from '@tributary/tensor';
import { Rank } from '@tensorflow/tfjs-core';
import { buildNetwork } from '../network/build-network.js';
import { tensorOf } from '../network/tensor-of.js';
import type { EvaluationRequest } from './evaluation-batcher.js';

export interface NetworkProgramOptions {
  readonly engine: Engine;
  readonly recipe: Recipe;
  readonly classRows: number;
  readonly batchSize: number;
}

/** The network's recorded forward pass for a fixed batch size. */
export interface NetworkProgram {
  readonly batchSize: number;
  readonly parameterCount: number;
  setWeights(weights: Float32Array): void;
  /** Raw outputs for up to `batchSize` requests; unused places are filled and ignored. */
  evaluate(requests: readonly EvaluationRequest[]): Promise<Float64Array[]>;
  dispose(): Promise<void>;
}

/** Records the forward pass; weights start as zeros. */
export async function createNetworkProgram(options: NetworkProgramOptions): Promise<NetworkProgram> {
  const { engine, recipe, classRows, batchSize } = options;
  const { sizePx, channels } = recipe.image;
  const network = buildNetwork(recipe.network, { imageSize: sizePx, channels, classRows });
  const shape = [batchSize, sizePx, sizePx, channels];
  const program = await engine.compile(
    (inputs, state) => {
      const parameters = unflatten(tensorOf(state, 'weights', Rank.R1), network.manifest);
      const conditions = {
        noiseLevel: tensorOf(inputs, 'noiseLevel', Rank.R1),
        classRow: tensorOf(inputs, 'classRow', Rank.R1),
      };
      return { outputs: { output: network.forward({ parameters }, tensorOf(inputs, 'image', Rank.R4), conditions) } };
    },
    {
      inputs: {
        image: { shape },
        noiseLevel: { shape: [batchSize] },
        classRow: { shape: [batchSize], dtype: 'int32' },
      },
      state: { weights: { shape: [network.parameterCount] } },
    },
    { label: 'denoiser' },
  );

  const size = sizePx ** 2 * channels;
  const image = new Float32Array(batchSize * size);
  const noiseLevel = new Float32Array(batchSize);
  const classRow = new Int32Array(batchSize);
  return {
    batchSize,
    parameterCount: network.parameterCount,
    setWeights: (weights) => {
      program.writeState('weights', weights);
    },
    evaluate: async (requests) => {
      requests.forEach((request, i) => {
        image.set(request.image, i * size);
        noiseLevel[i] = request.noiseLevel;
        classRow[i] = request.classRow;
      });
      const { output } = await program.run({ image, noiseLevel, classRow });
      if (!output) throw new RangeError('the denoiser gave no output');
      return requests.map((_, i) => Float64Array.from(output.subarray(i * size, (i + 1) * size)));
    },
    dispose: () => program.dispose(),
  };
}
