import * as tf from '@tensorflow/tfjs-core';
import { registerGradients, type Tensors } from '@tributary/tensor';
import { at, product } from '@tributary/onnx-graph';
import { type ParameterSpec, unflatten } from '../parameters/flat-parameters.js';
import { collectLayerUses, type LayerUse } from './layer-uses.js';
import { type ExampleGradients, observingLayers } from './observed-layer.js';

export interface ClippingOptions {
  readonly manifest: readonly ParameterSpec[];
  /** Longest gradient that one example may contribute, > 0. */
  readonly clipNorm: number;
}

export interface ClippedGradient {
  /** Σ_b g_b min(1, clipNorm / ‖g_b‖) in manifest order; not yet divided by the batch, without noise. */
  readonly gradient: tf.Tensor1D;
  /** ‖g_b‖ of every example before clipping, [batch]. */
  readonly norms: tf.Tensor1D;
  /** [batch] */
  readonly losses: tf.Tensor1D;
}

/** Keeps the quotient finite for an example without gradient. */
const SMALLEST_NORM = 1e-6;

/**
 * The sum of the examples' clipped gradients, as differentially private training needs it (Abadi et al. 2016, algorithm 1),
 * from one backward pass for the whole batch.
 *
 * The backward pass goes to the outputs of the layers only. Its gradients give the norm of every example's gradient, layer by
 * layer (Goodfellow 2015, "Efficient per-example gradient computations"; Li et al. 2022 for sequences; Bu et al. 2022 for
 * convolutions), then, weighted by the examples' factors, the clipped sum: weights commute with the backward pass, so no
 * second one is needed (Bu et al. 2023, "Differentially private optimization on large model at small cost", section 3).
 *
 * @param losses Loss of every example, [batch]. An example's loss must depend on that example alone, and every tensor that
 *   layers work on must hold the examples one after the other along its first dimension.
 * @param flat   All parameters.
 * @throws RangeError when a parameter is used otherwise than by one layer, naming it, or a layer does not see the whole batch.
 */
export function clippedGradient(
  losses: (parameters: Tensors) => tf.Tensor1D,
  flat: tf.Tensor1D,
  { manifest, clipNorm }: ClippingOptions,
): ClippedGradient {
  if (!(clipNorm > 0)) throw new RangeError(`clipNorm must be > 0, got ${clipNorm}`);
  registerGradients();
  const parameters = unflatten(flat, manifest);
  const { result, uses } = collectLayerUses(parameters, () => losses(parameters));
  const outputGradients = gradientsOfOutputs(() => losses(parameters), uses);
  const byParameter = new Map<string, ExampleGradients>();
  uses.forEach((use, i) => {
    const dy = outputGradients[i];
    if (dy)
      for (const { parameter, rule } of use.rules)
        byParameter.set(parameter, rule(wholeBatch(dy, use, result.size), result.size));
  });
  const squared = [...byParameter.values()].map(({ squaredNorms }) => squaredNorms);
  // Products of pixels may sum to a little less than nothing.
  const norms: tf.Tensor1D = tf.sqrt(tf.relu(tf.reshape(tf.addN(squared), [result.size])));
  const factors: tf.Tensor1D = tf.minimum(1, tf.div(clipNorm, tf.add(norms, SMALLEST_NORM)));
  const pieces = manifest.map(({ name, shape }) => {
    const sum = byParameter.get(name)?.weightedSum(factors) ?? tf.zeros([product(shape)]);
    return tf.reshape(sum, [product(shape)]);
  });
  return { gradient: tf.concat1d(pieces as tf.Tensor1D[]), norms, losses: result };
}

/** The gradient of Σ losses with respect to the output of every layer: zeros are added there, and differentiated by. */
function gradientsOfOutputs(losses: () => tf.Tensor1D, uses: readonly LayerUse[]): tf.Tensor[] {
  const total = (...probes: tf.Tensor[]): tf.Scalar => {
    const remaining = [...probes];
    return tf.sum(
      observingLayers((call) => {
        const probe = remaining.shift();
        return probe ? tf.add(call.forward(), probe) : call.forward();
      }, losses),
    );
  };
  return tf.grads(total)(uses.map(({ outputShape }) => tf.zeros([...outputShape])));
}

function wholeBatch(dy: tf.Tensor, { layer }: LayerUse, batch: number): tf.Tensor {
  if (dy.rank > 0 && at(dy.shape, 0) % batch === 0) return dy;
  throw new RangeError(`${layer} gives [${dy.shape.join(', ')}], which does not hold a batch of ${batch} examples`);
}
