import * as tf from '@tensorflow/tfjs-core';
import { at } from '../graph/shapes.js';
import { attention } from '../layers/attention.js';
import { conv2d } from '../layers/convolution.js';
import { groupNorm } from '../layers/group-norm.js';
import { linear } from '../layers/linear.js';
import { upsampleNearest2d } from '../layers/resampling.js';
import { silu } from '../layers/silu.js';
import type { ParameterSpec } from '../parameters/flat-parameters.js';
import type { Tensors } from '../program.js';

/** Shape of the network that is timed: a `UNet2DModel` of resnet blocks, as in diffusers. */
export interface BenchNetworkConfig {
  /** Channels of each resolution, finest first; multiples of `groups`. */
  readonly channels: readonly number[];
  /** Whether a resolution has attention. */
  readonly attention: readonly boolean[];
  readonly blocksPerLevel: number;
  readonly groups: number;
}

export interface BenchNetwork {
  readonly manifest: readonly ParameterSpec[];
  /** @param images [batch, height, width, 1]; @param time [batch, channels[0]], an embedding; returns images' shape. */
  readonly forward: (parameters: Tensors, images: tf.Tensor4D, time: tf.Tensor2D) => tf.Tensor4D;
}

type Map4 = (p: Tensors, x: tf.Tensor4D) => tf.Tensor4D;
type TimedMap4 = (p: Tensors, x: tf.Tensor4D, time: tf.Tensor) => tf.Tensor4D;

const HEAD_CHANNELS = 8;
const EPSILON = 1e-5;

/** Declares parameters while the network is put together, so that manifest and forward pass cannot disagree. */
class Declaration {
  readonly manifest: ParameterSpec[] = [];

  constructor(readonly config: BenchNetworkConfig) {}

  parameter(name: string, shape: readonly number[]): (p: Tensors) => tf.Tensor {
    this.manifest.push({ name, shape });
    return (p) => {
      const tensor = p[name];
      if (!tensor) throw new RangeError(`parameter ${name} is missing`);
      return tensor;
    };
  }

  vector(name: string, size: number): (p: Tensors) => tf.Tensor1D {
    const read = this.parameter(name, [size]);
    return (p) => tf.reshape(read(p), [size]);
  }

  convolution(name: string, [from, to]: readonly [number, number], { kernel = 3, stride = 1 } = {}): Map4 {
    const shape: [number, number, number, number] = [to, from, kernel, kernel];
    const weight = this.parameter(`${name}.weight`, shape);
    const bias = this.vector(`${name}.bias`, to);
    return (p, x) => conv2d(x, tf.reshape(weight(p), shape), bias(p), { stride, padding: (kernel - 1) / 2 });
  }

  dense(name: string, [from, to]: readonly [number, number]): (p: Tensors, x: tf.Tensor) => tf.Tensor {
    const weight = this.parameter(`${name}.weight`, [to, from]);
    const bias = this.vector(`${name}.bias`, to);
    return (p, x) => linear(x, tf.reshape(weight(p), [to, from]), bias(p));
  }

  norm(name: string, channels: number): Map4 {
    const gamma = this.vector(`${name}.weight`, channels);
    const beta = this.vector(`${name}.bias`, channels);
    return (p, x) => groupNorm(x, gamma(p), beta(p), { groups: this.config.groups, epsilon: EPSILON });
  }

  residual(name: string, [from, to]: readonly [number, number]): TimedMap4 {
    const norm1 = this.norm(`${name}.norm1`, from);
    const conv1 = this.convolution(`${name}.conv1`, [from, to]);
    const time = this.dense(`${name}.time_emb_proj`, [4 * at(this.config.channels, 0), to]);
    const norm2 = this.norm(`${name}.norm2`, to);
    const conv2 = this.convolution(`${name}.conv2`, [to, to]);
    const shortcut = from === to ? undefined : this.convolution(`${name}.conv_shortcut`, [from, to], { kernel: 1 });
    return (p, x, embedding) => {
      const shift = tf.reshape(time(p, silu(embedding)), [-1, 1, 1, to]);
      const h = tf.add<tf.Tensor4D>(conv1(p, silu(norm1(p, x))), shift);
      return tf.add(shortcut ? shortcut(p, x) : x, conv2(p, silu(norm2(p, h))));
    };
  }

  attention(name: string, channels: number): Map4 {
    const norm = this.norm(`${name}.group_norm`, channels);
    const heads = channels / HEAD_CHANNELS;
    const project = ['to_q', 'to_k', 'to_v'].map((part) => this.dense(`${name}.${part}`, [channels, channels]));
    const out = this.dense(`${name}.to_out.0`, [channels, channels]);
    return (p, x) => {
      const [batch, height, width] = x.shape;
      const tokens = tf.reshape(norm(p, x), [batch, height * width, channels]);
      const split = (part: number): tf.Tensor4D =>
        tf.transpose(
          tf.reshape(at(project, part)(p, tokens), [batch, height * width, heads, HEAD_CHANNELS]),
          [0, 2, 1, 3],
        );
      const mixed = tf.transpose(attention(split(0), split(1), split(2)), [0, 2, 1, 3]);
      return tf.add(x, tf.reshape(out(p, tf.reshape(mixed, [batch, height * width, channels])), x.shape));
    };
  }
}

interface Stage {
  readonly blocks: readonly { readonly residual: TimedMap4; readonly attention?: Map4 }[];
  readonly resample?: Map4;
}

function downStages(d: Declaration): Stage[] {
  const { channels, attention: attends, blocksPerLevel } = d.config;
  return channels.map((to, level) => {
    const from = channels[level - 1] ?? at(channels, 0);
    const blocks = Array.from({ length: blocksPerLevel }, (_, i) => ({
      residual: d.residual(`down_blocks.${level}.resnets.${i}`, [i === 0 ? from : to, to]),
      attention: attends[level] ? d.attention(`down_blocks.${level}.attentions.${i}`, to) : undefined,
    }));
    const isLast = level === channels.length - 1;
    const name = `down_blocks.${level}.downsamplers.0.conv`;
    return { blocks, resample: isLast ? undefined : d.convolution(name, [to, to], { stride: 2 }) };
  });
}

/** Channels of everything the way down keeps for the way up, in order. */
function skipChannels({ channels, blocksPerLevel }: BenchNetworkConfig): number[] {
  const kept = channels.flatMap((size, level) => {
    const blocks = new Array<number>(blocksPerLevel).fill(size);
    return level === channels.length - 1 ? blocks : [...blocks, size];
  });
  return [at(channels, 0), ...kept];
}

function upStages(d: Declaration): Stage[] {
  const { channels, attention: attends, blocksPerLevel } = d.config;
  const skips = skipChannels(d.config);
  let from = at(channels, channels.length - 1);
  return channels.toReversed().map((to, stage) => {
    const blocks = Array.from({ length: blocksPerLevel + 1 }, (_, i) => {
      const residual = d.residual(`up_blocks.${stage}.resnets.${i}`, [from + (skips.pop() ?? 0), to]);
      from = to;
      const isAttending = attends[channels.length - 1 - stage];
      return { residual, attention: isAttending ? d.attention(`up_blocks.${stage}.attentions.${i}`, to) : undefined };
    });
    if (stage === channels.length - 1) return { blocks };
    const conv = d.convolution(`up_blocks.${stage}.upsamplers.0.conv`, [to, to]);
    return { blocks, resample: (p: Tensors, x: tf.Tensor4D) => conv(p, upsampleNearest2d(x, 2)) };
  });
}

/** Puts the network together. */
export function benchNetwork(config: BenchNetworkConfig): BenchNetwork {
  const d = new Declaration(config);
  const first = at(config.channels, 0);
  const deepest = at(config.channels, config.channels.length - 1);
  const embed1 = d.dense('time_embedding.linear_1', [first, 4 * first]);
  const embed2 = d.dense('time_embedding.linear_2', [4 * first, 4 * first]);
  const convIn = d.convolution('conv_in', [1, first]);
  const down = downStages(d);
  const middle = [0, 1].map((i) => d.residual(`mid_block.resnets.${i}`, [deepest, deepest]));
  const middleAttention = d.attention('mid_block.attentions.0', deepest);
  const up = upStages(d);
  const normOut = d.norm('conv_norm_out', first);
  const convOut = d.convolution('conv_out', [first, 1]);
  return {
    manifest: d.manifest,
    forward: (p, images, time) => {
      const embedding = embed2(p, silu(embed1(p, time)));
      const skips = [convIn(p, images)];
      let x = at(skips, 0);
      for (const { blocks, resample } of down) {
        for (const block of blocks) {
          x = block.residual(p, x, embedding);
          x = block.attention?.(p, x) ?? x;
          skips.push(x);
        }
        if (resample) skips.push((x = resample(p, x)));
      }
      x = at(middle, 1)(p, middleAttention(p, at(middle, 0)(p, x, embedding)), embedding);
      for (const { blocks, resample } of up) {
        for (const block of blocks) {
          x = block.residual(p, tf.concat([x, skips.pop() ?? x], 3), embedding);
          x = block.attention?.(p, x) ?? x;
        }
        x = resample?.(p, x) ?? x;
      }
      return convOut(p, silu(normOut(p, x)));
    },
  };
}
