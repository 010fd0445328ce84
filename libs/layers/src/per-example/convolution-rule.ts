import * as tf from '@tensorflow/tfjs-core';
import { at, range } from '@tributary/onnx-graph';
import { EXAMPLE_FILTER_NORMS, WEIGHTED_FILTER_GRADIENT } from '@tributary/kernels';
import { isRecording } from '@tributary/tensor';
import type { ExampleRule } from './observed-layer.js';
import { laidOut } from './rules.js';

/** A convolution y = x * weight: what it read, and how it is run on other inputs. */
export interface ConvolutionUse<T extends tf.Tensor> {
  readonly x: T;
  /** [out, in / groups, …]; of a transposed convolution, [in, out / groups, …]. */
  readonly weight: tf.Tensor;
  readonly apply: (x: T, weight: tf.Tensor) => T;
  /** Strides, padding and dilations as tfjs has them. */
  readonly attributes: tf.NamedAttrMap;
  /** A transposed convolution is the input gradient of a convolution: `x` and `dy` change places. */
  readonly isTransposed: boolean;
}

/** The weight of a convolution. Recorded, norms and sum share their products; elsewhere the gradients come one by one. */
export function convolutionRule<T extends tf.Tensor>(call: ConvolutionUse<T>): ExampleRule {
  const { x, weight, attributes, isTransposed } = call;
  const [outChannels = 0, perGroup = 0, ...kernelSize] = weight.shape;
  return (dy, batch) => {
    if (dy.shape[0] !== batch) {
      throw new RangeError(`a convolution of ${at(dy.shape, 0)} images has no gradients for ${batch} examples`);
    }
    if (!isRecording()) return laidOut(oneByOne(call, dy));
    const operands = isTransposed ? { x: dy, dy: x } : { x, dy };
    const settings = { ...attributes, filterShape: [...kernelSize, perGroup, outChannels] };
    return {
      squaredNorms: tf.engine().runKernel<tf.Tensor>(EXAMPLE_FILTER_NORMS, operands, settings),
      weightedSum: (weights) =>
        tf.engine().runKernel<tf.Tensor>(WEIGHTED_FILTER_GRADIENT, { ...operands, weights }, settings),
    };
  };
}

function oneByOne<T extends tf.Tensor>({ x, weight, apply }: ConvolutionUse<T>, dy: tf.Tensor): tf.Tensor {
  const single = <S extends tf.Tensor>(of: S, example: number): S =>
    tf.slice(of, [example, ...of.shape.slice(1).map(() => 0)], [1, ...of.shape.slice(1)]);
  return tf.stack(
    range(at(dy.shape, 0)).map((example) => {
      const gradient = tf.grad((w: tf.Tensor) => apply(single(x, example), w));
      return gradient(weight, single(dy, example));
    }),
  );
}
