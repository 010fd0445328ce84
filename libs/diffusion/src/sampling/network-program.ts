import type { Recipe } from '@tributary/protocol';
import { unflatten } from '@tributary/layers';
import type { Arrays, Engine, Program } from '@tributary/tensor';
import { Rank } from '@tensorflow/tfjs-core';
import { conditionChannels, imageShape, imageValues } from '@tributary/protocol/image-shape';
import { buildNetwork } from '../network/build-network.js';
import { imagesOf } from '../network/images.js';
import { tensorOf } from '../network/tensor-of.js';
import type { Network } from '../network/unet.js';
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
  const { recipe, classRows, batchSize } = options;
  const network = buildNetwork(recipe, classRows);
  const program = await recordForward(network, options);
  const fill = batchFiller(recipe, batchSize);
  return {
    batchSize,
    parameterCount: network.parameterCount,
    setWeights: (weights) => {
      program.writeState('weights', weights);
    },
    evaluate: async (requests) => {
      const { output } = await program.run(fill(requests));
      if (!output) throw new RangeError('the denoiser gave no output');
      const outputSize = output.length / batchSize;
      return requests.map((_, i) => new Float64Array(output.subarray(i * outputSize, (i + 1) * outputSize)));
    },
    dispose: () => program.dispose(),
  };
}

function recordForward(network: Network, { engine, recipe, batchSize }: NetworkProgramOptions): Promise<Program> {
  const shape = imageShape(recipe.image);
  const condition = conditionChannels(recipe);
  return engine.compile(
    (inputs, state) => {
      const parameters = unflatten(tensorOf(state, 'weights', Rank.R1), network.manifest);
      const conditions = {
        noiseLevel: tensorOf(inputs, 'noiseLevel', Rank.R1),
        classRow: tensorOf(inputs, 'classRow', Rank.R1),
        image: inputs['condition'],
      };
      const image = imagesOf(inputs, 'image');
      return { outputs: { output: network.forward({ parameters }, image, conditions) } };
    },
    {
      inputs: {
        image: { shape: [batchSize, ...shape] },
        noiseLevel: { shape: [batchSize] },
        classRow: { shape: [batchSize], dtype: 'int32' },
        ...(condition > 0 && { condition: { shape: [batchSize, ...shape.slice(0, -1), condition] } }),
      },
      state: { weights: { shape: [network.parameterCount] } },
    },
    { label: 'denoiser' },
  );
}

/** The program's inputs for some requests, in buffers that are used again: a program's run has read them when it ends. */
function batchFiller(recipe: Recipe, batchSize: number): (requests: readonly EvaluationRequest[]) => Arrays {
  const condition = conditionChannels(recipe);
  const size = imageValues(recipe.image);
  const conditionSize = (size / recipe.image.channels) * condition;
  const image = new Float32Array(batchSize * size);
  const noiseLevel = new Float32Array(batchSize);
  const classRow = new Int32Array(batchSize);
  const conditions = new Float32Array(batchSize * conditionSize);
  return (requests) => {
    requests.forEach((request, i) => {
      image.set(request.image, i * size);
      noiseLevel[i] = request.noiseLevel;
      classRow[i] = request.classRow;
      conditions.set(request.condition ?? [], i * conditionSize);
    });
    return { image, noiseLevel, classRow, ...(condition > 0 && { condition: conditions }) };
  };
}
