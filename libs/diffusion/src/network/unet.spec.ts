import { describe, expect, it, jest } from '@jest/globals';
import { decodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { openEngine } from '@tributary/engines';
import { unflatten, valueAndGradient } from '@tributary/layers';
import type { Engine, Tensors } from '@tributary/tensor';
import * as tf from '@tensorflow/tfjs-core';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { referenceVectors, VECTORS_DIRECTORY, worstDeviation } from '../reference-vectors.spec-support.js';
import { tensorOf } from './tensor-of.js';
import type { ForwardContext } from './forward-pass.js';
import { imagesOf, type Images } from './images.js';
import { createUNet } from './unet.js';
import type { UNetConfig } from './unet-config.js';

/** The reference engine on a busy machine. */
jest.setTimeout(120_000);

type UNetVector = (typeof referenceVectors.unet)[string];

function configOf({ config }: UNetVector): UNetConfig {
  return {
    imageSize: 8,
    inChannels: config.in_channels,
    outChannels: config.in_channels,
    blockOutChannels: config.block_out_channels,
    layersPerBlock: config.layers_per_block,
    attention: config.down_block_types.map((type) => type.startsWith('Attn')),
    attentionHeadDim: config.attention_head_dim,
    normGroups: config.norm_num_groups,
    normEpsilon: 1e-5,
    dropout: 0,
    timeEmbedding: 'positional',
    resample: 'conv',
    downsamplePadding: 1,
    timeScaleShift: config.resnet_time_scale_shift === 'scale_shift',
    classRows: config.num_class_embeds ?? 0,
    flipSinToCos: config.flip_sin_to_cos ?? true,
    frequencyShift: config.freq_shift ?? 0,
  };
}

function flatWeights(file: string): { names: string[]; values: Float32Array } {
  const bytes = readFileSync(join(VECTORS_DIRECTORY, file));
  const header = decodeSafetensorsHeader(bytes);
  const data = bytes.buffer.slice(bytes.byteOffset + header.headerBytes, bytes.byteOffset + bytes.length);
  return { names: header.entries.map(({ name }) => name), values: new Float32Array(data) };
}

const SIZE = 8;
const BATCH = 2;

/** sin(0.37 i + phase) over [batch, channels, 8, 8] in row-major order, as [batch, 8, 8, channels]. */
function wave(channels: number, phase: number): Float32Array {
  const values = Float32Array.from({ length: BATCH * channels * SIZE ** 2 }, (_, i) => Math.sin(0.37 * i + phase));
  return toChannelsLast(values, channels);
}

function toChannelsLast(values: ArrayLike<number>, channels: number): Float32Array {
  return Float32Array.from({ length: values.length }, (_, i) => {
    const channel = i % channels;
    const pixel = Math.floor(i / channels) % SIZE ** 2;
    const example = Math.floor(i / channels / SIZE ** 2);
    return values[(example * channels + channel) * SIZE ** 2 + pixel] ?? NaN;
  });
}

type Evaluation = (pass: Pass) => Tensors;

interface Pass {
  readonly weights: tf.Tensor1D;
  readonly target: Images;
  readonly forward: (parameters: Tensors, observe?: ForwardContext['observe']) => Images;
}

/** Runs `evaluation` on the vector's weights and inputs. */
async function evaluate(
  engine: Engine,
  vector: UNetVector,
  evaluation: Evaluation,
): Promise<Record<string, Float32Array>> {
  const network = createUNet(configOf(vector));
  const channels = vector.config.in_channels;
  const shape = [BATCH, SIZE, SIZE, channels];
  const program = await engine.compile(
    (inputs, state) => {
      const x = imagesOf(inputs, 'x');
      const conditions = {
        noiseLevel: tensorOf(inputs, 'time', tf.Rank.R1),
        classRow: tensorOf(inputs, 'classRow', tf.Rank.R1),
      };
      const outputs = evaluation({
        weights: tensorOf(state, 'weights', tf.Rank.R1),
        target: imagesOf(inputs, 'target'),
        forward: (parameters, observe) => network.forward({ parameters, observe }, x, conditions),
      });
      return { outputs };
    },
    {
      inputs: {
        x: { shape },
        target: { shape },
        time: { shape: [BATCH] },
        classRow: { shape: [BATCH], dtype: 'int32' },
      },
      state: { weights: { shape: [network.parameterCount] } },
    },
  );
  program.writeState('weights', flatWeights(vector.file).values);
  const results = await program.run({
    x: wave(channels, 0.5),
    target: wave(channels, 2),
    time: Float32Array.of(3, 741),
    classRow: Int32Array.of(0, 2),
  });
  const copies = Object.entries(results).map(([name, values]) => [name, Float32Array.from(values)] as const);
  await program.dispose();
  return Object.fromEntries(copies);
}

function moments(values: Float32Array): { mean: number; std: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, std: Math.sqrt(variance) };
}

describe.each(Object.entries(referenceVectors.unet))('U-Net %s', (_, vector) => {
  const network = createUNet(configOf(vector));

  it('has the names, order and number of parameters of the diffusers state dict', () => {
    expect(network.manifest.map(({ name }) => name)).toEqual(flatWeights(vector.file).names);
    expect(network.parameterCount).toBe(vector.params);
  });

  describe.each(['reference', 'onnx'] as const)('on the %s engine', (name) => {
    it('gives the output and activations of diffusers', async () => {
      const engine = await openEngine({ name, threads: 1 });
      const results = await evaluate(engine, vector, ({ weights, forward }) => {
        const activations: Tensors = {};
        const output = forward(unflatten(weights, network.manifest), (block, value) => {
          activations[block] = value;
        });
        return { ...activations, output };
      });
      await engine.dispose();

      const output = toChannelsLast(vector.output, vector.config.in_channels);
      expect(worstDeviation(results['output'] ?? [], output)).toBeLessThan(2e-5);
      for (const [block, expected] of Object.entries(vector.activations)) {
        const actual = moments(results[block] ?? new Float32Array());
        expect(Math.abs(actual.mean - expected.mean)).toBeLessThan(1e-5);
        expect(Math.abs(actual.std / expected.std - 1)).toBeLessThan(1e-5);
      }
    });

    it('gives the loss and gradients of PyTorch', async () => {
      const engine = await openEngine({ name, threads: 1 });
      const { loss = [], gradient = new Float32Array() } = await evaluate(
        engine,
        vector,
        ({ weights, target, forward }) => {
          const squaredError = (parameters: Tensors): tf.Scalar =>
            tf.mean(tf.square(tf.sub(forward(parameters), target)));
          const result = valueAndGradient(squaredError, weights, network.manifest);
          return { loss: result.value, gradient: result.gradient };
        },
      );
      await engine.dispose();

      expect(Math.abs((loss[0] ?? NaN) / vector.loss - 1)).toBeLessThan(1e-5);
      let offset = 0;
      for (const { name: parameter, shape } of network.manifest) {
        const size = shape.reduce((a, b) => a * b, 1);
        const part = gradient.subarray(offset, offset + size);
        const [norm, first] = vector.grads[parameter] ?? [NaN, NaN];
        const tolerance = 1e-4 * Math.max(norm, 1e-2);
        expect(Math.abs(Math.hypot(...part) - norm)).toBeLessThan(tolerance);
        expect(Math.abs((part[0] ?? NaN) - first)).toBeLessThan(tolerance);
        offset += size;
      }
    });
  });
});
