import * as tf from '@tensorflow/tfjs-core';
import type { Tensors } from '@tributary/tensor';
import { type ExampleRule, observingLayers } from './observed-layer.js';

/** A layer that was called: the shape of its output, and the rules of its parameters by name. */
export interface LayerUse {
  readonly layer: string;
  readonly outputShape: readonly number[];
  readonly rules: readonly { readonly parameter: string; readonly rule: ExampleRule }[];
}

/** Kernels that give a parameter another shape and keep the order of its numbers. */
const VIEWS: ReadonlySet<string> = new Set(['Reshape', 'ExpandDims', 'Identity']);

/**
 * Runs `fn` and finds out which layers use the parameters.
 *
 * @throws RangeError when a parameter is used otherwise than as the parameter of one layer: by an operation that has no rule,
 *   as a layer's input, or twice.
 */
export function collectLayerUses<R>(parameters: Tensors, fn: () => R): { result: R; uses: LayerUse[] } {
  const owners = new WeakMap<tf.Tensor, string>();
  for (const [name, tensor] of Object.entries(parameters)) owners.set(tensor, name);
  const uses: LayerUse[] = [];
  const used = new Set<string>();
  let isInsideLayer = false;
  const check = (operation: string, inputs: Iterable<tf.Tensor>) => {
    for (const input of inputs) {
      const name = owners.get(input);
      if (name !== undefined) throw noRule(name, operation);
    }
  };
  const claim = (layer: string, tensor: tf.Tensor, rule: ExampleRule) => {
    const parameter = owners.get(tensor);
    if (parameter === undefined) return [];
    if (used.has(parameter)) throw usedTwice(parameter, layer);
    used.add(parameter);
    return [{ parameter, rule }];
  };
  const guard: KernelGuard = (name, inputs, run) => {
    if (isInsideLayer) return run();
    const [viewed] = Object.values(inputs);
    const owner = VIEWS.has(name) && viewed ? owners.get(viewed) : undefined;
    if (owner === undefined) check(name, Object.values(inputs));
    const result = run();
    if (owner !== undefined && result instanceof tf.Tensor) owners.set(result, owner);
    return result;
  };
  const run = () =>
    observingLayers(({ layer, inputs, parameters: own, forward }) => {
      check(layer, inputs);
      const rules = own.flatMap(({ tensor, rule }) => claim(layer, tensor, rule));
      isInsideLayer = true;
      try {
        const output = forward();
        uses.push({ layer, outputShape: output.shape, rules });
        return output;
      } finally {
        isInsideLayer = false;
      }
    }, fn);
  return { result: guardingKernels(guard, run), uses };
}

type KernelResult = tf.Tensor | tf.Tensor[];
type KernelGuard = (name: string, inputs: tf.NamedTensorMap, run: () => KernelResult) => KernelResult;

/** Runs `fn` with `guard` around every tfjs kernel. */
function guardingKernels<R>(guard: KernelGuard, fn: () => R): R {
  const engine = tf.engine();
  const own = Object.getOwnPropertyDescriptor(engine, 'runKernel');
  const inner: typeof engine.runKernel = engine.runKernel.bind(engine);
  const guarded = (name: string, inputs: tf.NamedTensorMap, attributes?: tf.NamedAttrMap) =>
    guard(name, inputs, () => inner<KernelResult>(name, inputs, attributes));
  Object.defineProperty(engine, 'runKernel', { value: guarded, configurable: true, writable: true });
  try {
    return fn();
  } finally {
    if (own) Object.defineProperty(engine, 'runKernel', own);
    else Reflect.deleteProperty(engine, 'runKernel');
  }
}

function noRule(parameter: string, operation: string): RangeError {
  return new RangeError(
    `the parameter ${parameter} is used by ${operation}, which has no rule for the gradients of single examples; use a layer that has one`,
  );
}

function usedTwice(parameter: string, layer: string): RangeError {
  return new RangeError(
    `the parameter ${parameter} is used again by ${layer}; the norm of a single example's gradient is known for parameters of one layer only`,
  );
}
