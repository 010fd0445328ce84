import type { Recipe } from '@tributary/protocol/recipe';
import { conditionChannels, imageShape } from '@tributary/protocol/image-shape';
import { unflatten } from '@tributary/layers';
import { encodeModel, type Graph, type Value } from '@tributary/onnx-graph';
import { record } from '@tributary/tensor';
import { Rank, transpose } from '@tensorflow/tfjs-core';
import { writeFile } from 'node:fs/promises';
import { buildNetwork } from '../network/build-network.js';
import { asImages, imagesOf } from '../network/images.js';
import { tensorOf } from '../network/tensor-of.js';
import { markingBatchSize, withDynamicBatch } from './dynamic-batch.js';

export interface OnnxExport {
  readonly recipe: Recipe;
  /** Flat weights in manifest order. */
  readonly weights: Float32Array;
  /** Rows of the class embedding, as `embeddingRows` counts them. */
  readonly classRows: number;
  /** File to write. */
  readonly file: string;
}

const RECORDED_WEIGHTS = 'state.weights';

/**
 * Writes the network as one ONNX file (operator set 18), weights included, for any number of images.
 *
 * Inputs `sample` [batch, channels, height, width] (an image condition after the image's own channels; volumes have a depth too), `timestep` [batch] (the number that the process gives the network) and,
 * where it has classes, `class_labels` [batch] int32; output `out_sample` as `sample`: names as in diffusers' own ONNX exports.
 *
 * @throws RangeError when the number of weights is not the network's.
 */
export async function exportOnnxDenoiser({ recipe, weights, classRows, file }: OnnxExport): Promise<void> {
  const network = buildNetwork(recipe, classRows);
  const [channels = 0, ...spatial] = sampleShape(recipe);
  if (weights.length !== network.parameterCount) {
    throw new RangeError(`the network has ${network.parameterCount} weights, got ${weights.length}`);
  }
  const batch = markingBatchSize([channels, ...spatial, ...network.manifest.flatMap(({ shape }) => shape)]);
  const { graph } = record(
    (inputs, state) => {
      const parameters = unflatten(tensorOf(state, 'weights', Rank.R1), network.manifest);
      const conditions = {
        noiseLevel: tensorOf(inputs, 'timestep', Rank.R1),
        classRow: tensorOf(inputs, 'class_labels', Rank.R1),
      };
      const axes = spatial.map((_, i) => i + 1);
      const sample = imagesOf(inputs, 'sample');
      const image = asImages(transpose(sample, [0, ...axes.map((axis) => axis + 1), 1]));
      const output = network.forward({ parameters }, image, conditions);
      return { outputs: { out_sample: transpose(output, [0, output.rank - 1, ...axes]) } };
    },
    {
      inputs: {
        sample: { shape: [batch, channels, ...spatial] },
        timestep: { shape: [batch] },
        class_labels: { shape: [batch], dtype: 'int32' },
      },
      state: { weights: { shape: [network.parameterCount] } },
    },
    { device: 'any' },
  );
  await writeFile(file, encodeModel(withPublicNames(withDynamicBatch(graph, batch), weights)));
}

/** [channels, …spatial] of the network's input; an image condition comes after the image's own channels. */
function sampleShape(recipe: Recipe): number[] {
  const shape = imageShape(recipe.image);
  return [recipe.image.channels + conditionChannels(recipe), ...shape.slice(0, -1)];
}

/** The weights become a constant; inputs and output lose the recorder's prefixes. */
function withPublicNames(graph: Graph, weights: Float32Array): Graph {
  const replaced = new Map<Value, Value>();
  for (const input of graph.inputs) {
    const renamed =
      input.name === RECORDED_WEIGHTS
        ? { ...input, name: 'weights', data: weights }
        : { ...input, name: input.name.replace(/^in\./, '') };
    replaced.set(input, renamed);
  }
  const valueOf = (value: Value): Value => replaced.get(value) ?? value;
  return {
    nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map((value) => value && valueOf(value)) })),
    inputs: graph.inputs.map(valueOf).filter(({ data }) => data === undefined),
    outputs: graph.outputs.map(({ name, value }) => ({ name: name.replace(/^out\./, ''), value })),
  };
}
