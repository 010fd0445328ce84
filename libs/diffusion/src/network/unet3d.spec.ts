import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Recipe } from '@tributary/protocol/recipe';
import { openEngine } from '@tributary/engines';
import { unflatten, valueAndGradient } from '@tributary/layers';
import type { Engine, Program } from '@tributary/tensor';
import { randomStream } from '@tributary/random';
import * as tf from '@tensorflow/tfjs-core';
import { smallRecipe } from '../recipe.spec-support.js';
import { buildNetwork } from './build-network.js';
import { imagesOf } from './images.js';
import { tensorOf } from './tensor-of.js';
import type { Network } from './unet.js';

/** The reference engine on a busy machine. */
jest.setTimeout(120_000);

const DEPTH = 2;
const SIZE = 8;
const BATCH = 2;
const VOXELS = BATCH * DEPTH * SIZE ** 2;

type Blocks = Pick<Recipe['network'], 'timeScaleShift' | 'resample'>;

function networkOf(blocks: Blocks, kind: 'unet2d' | 'unet3d'): Network {
  const image = { sizePx: SIZE, ...(kind === 'unet3d' && { depthPx: DEPTH }), channels: 1 } as const;
  const network = { ...smallRecipe().network, blockOutChannels: [4, 8], attentionHeadDim: 4, normGroups: 2 };
  return buildNetwork(smallRecipe({ image, network: { ...network, ...blocks, kind } }), 3);
}

/** Loss Σ w F(x), its gradient, and F(x). */
function record(engine: Engine, network: Network): Promise<Program> {
  const volumes = { shape: [BATCH, DEPTH, SIZE, SIZE, 1] };
  return engine.compile(
    (inputs, state) => {
      const conditions = {
        noiseLevel: tensorOf(inputs, 'time', tf.Rank.R1),
        classRow: tensorOf(inputs, 'row', tf.Rank.R1),
      };
      const weights = tensorOf(state, 'weights', tf.Rank.R1);
      const forward = (flat: tf.Tensor1D): tf.Tensor =>
        network.forward({ parameters: unflatten(flat, network.manifest) }, imagesOf(inputs, 'x'), conditions);
      const { value, gradient } = valueAndGradient(
        (parameters) =>
          tf.sum(tf.mul(network.forward({ parameters }, imagesOf(inputs, 'x'), conditions), imagesOf(inputs, 'w'))),
        weights,
        network.manifest,
      );
      return { outputs: { value, gradient, output: forward(weights) } };
    },
    {
      inputs: { x: volumes, w: volumes, time: { shape: [BATCH] }, row: { shape: [BATCH], dtype: 'int32' } },
      state: { weights: { shape: [network.parameterCount] } },
    },
  );
}

function inputsOf(seed: number) {
  const random = randomStream(seed, 'volumes');
  const x = new Float32Array(VOXELS);
  const w = new Float32Array(VOXELS);
  random.fillNormal(x);
  random.fillNormal(w);
  return { x, w, time: Float32Array.of(0.3, -0.8), row: Int32Array.of(0, 2) };
}

const BLOCKS: readonly [string, Blocks][] = [
  ['plain', { timeScaleShift: false, resample: 'conv' }],
  ['scale-shift, residual resampling', { timeScaleShift: true, resample: 'resnet' }],
];

describe.each(BLOCKS)('a U-Net of volumes (%s)', (_, blocks) => {
  const network = networkOf(blocks, 'unet3d');
  const weights = network.initial(4);
  let engine: Engine;
  let program: Program;
  beforeAll(async () => {
    engine = await openEngine({ name: 'onnx', threads: 1 });
    program = await record(engine, network);
  });
  afterAll(async () => {
    await program.dispose();
    await engine.dispose();
  });

  it('has the parameters of the two-dimensional one with deeper kernels', () => {
    const sibling = networkOf(blocks, 'unet2d').manifest;
    expect(network.manifest.map(({ name }) => name)).toEqual(sibling.map(({ name }) => name));
    network.manifest.forEach(({ shape }, i) => {
      const flat = sibling[i]?.shape ?? [];
      expect(shape).toEqual(flat.length === 4 ? [...flat, flat[3]] : flat);
    });
  });

  it('gives the output and gradients of the reference engine when it is recorded', async () => {
    const reference = await openEngine({ name: 'reference' });
    const eager = await record(reference, network);
    for (const each of [program, eager]) each.writeState('weights', weights);
    const expected = await eager.run(inputsOf(1));
    const actual = await program.run(inputsOf(1));
    expect(actual['output']).toHaveLength(VOXELS);
    for (const name of ['output', 'gradient']) {
      const wanted = Array.from(expected[name] ?? []);
      const scale = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const differences = wanted.map((value, i) => Math.abs(value - (actual[name]?.[i] ?? NaN)));
      expect(differences.reduce((most, value) => Math.max(most, value), 0) / scale).toBeLessThan(1e-4);
    }
    await eager.dispose();
    await reference.dispose();
  });

  it.each(['conv_in', 'down_blocks', 'mid_block', 'up_blocks', 'time_embedding', 'class_embedding', 'conv_out'])(
    'has gradients of %s that are the slopes of its output',
    async (block) => {
      const inputs = inputsOf(2);
      program.writeState('weights', weights);
      const gradient = Float32Array.from((await program.run(inputs))['gradient'] ?? []);
      const direction = unitDirection(network, block);
      const valueAt = async (step: number): Promise<number> => {
        program.writeState(
          'weights',
          weights.map((weight, i) => weight + step * (direction[i] ?? 0)),
        );
        return (await program.run(inputs))['value']?.[0] ?? NaN;
      };
      const step = 1e-2;
      const slope = gradient.reduce((sum, value, i) => sum + value * (direction[i] ?? 0), 0);
      const difference = ((await valueAt(step)) - (await valueAt(-step))) / (2 * step);
      expect(Math.abs(slope)).toBeGreaterThan(1e-3);
      expect(Math.abs(difference - slope)).toBeLessThan(0.01 * Math.max(1, Math.abs(slope)));
    },
  );
});

/** A random direction of length 1 among the parameters of a block. */
function unitDirection({ manifest, parameterCount }: Network, block: string): Float32Array {
  const random = randomStream(9, 'direction', block);
  const direction = new Float32Array(parameterCount);
  let offset = 0;
  for (const { name, shape } of manifest) {
    const size = shape.reduce((product, length) => product * length, 1);
    if (name.startsWith(block)) random.fillNormal(direction.subarray(offset, offset + size));
    offset += size;
  }
  const length = Math.sqrt(direction.reduce((sum, value) => sum + value ** 2, 0));
  return direction.map((value) => value / length);
}
