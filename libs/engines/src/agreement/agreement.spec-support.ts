import * as tf from '@tensorflow/tfjs-core';
import { product } from '@tributary/onnx-graph';
import type { Arrays, Engine, Signature, StepFunction, Tensors } from '@tributary/tensor';
import { randomStream } from '@tributary/random';

/** One function of tensors that two engines must agree on, with its gradients. */
export interface AgreementCase {
  readonly name: string;
  readonly inputs: readonly InputSpec[];
  readonly fn: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** tfjs has no gradient, or the function has none. */
  readonly noGradient?: boolean;
}

/** `positive` numbers lie in [0.5, 1.5), `index` are integers below `bound`, others are standard normal. */
export interface InputSpec {
  readonly shape: readonly number[];
  readonly kind?: 'normal' | 'positive' | 'index';
  readonly bound?: number;
}

export const normal = (...shape: number[]): InputSpec => ({ shape });
export const positive = (...shape: number[]): InputSpec => ({ shape, kind: 'positive' });
export const index = (bound: number, ...shape: number[]): InputSpec => ({ shape, kind: 'index', bound });

function draw({ shape, kind, bound = 1 }: InputSpec, name: string): Float32Array | Int32Array {
  const random = randomStream(11, 'agreement', name);
  const size = product(shape);
  if (kind === 'index') return Int32Array.from({ length: size }, () => random.integer(bound));
  if (kind === 'positive') return Float32Array.from({ length: size }, () => 0.5 + random.uniform());
  return Float32Array.from({ length: size }, () => random.normal());
}

/** The case's inputs, and a random upstream gradient of the output's size. */
export function drawInputs(test: AgreementCase, upstreamSize: number): Arrays {
  const arrays: Arrays = {};
  test.inputs.forEach((spec, i) => (arrays[`x${i}`] = draw(spec, `${test.name} ${i}`)));
  if (!test.noGradient) arrays['dy'] = draw({ shape: [upstreamSize] }, `${test.name} dy`);
  return arrays;
}

export function signatureOf(test: AgreementCase, upstreamShape: readonly number[]): Signature {
  const inputs: Record<string, { shape: readonly number[]; dtype: 'float32' | 'int32' }> = {};
  test.inputs.forEach(
    ({ shape, kind }, i) => (inputs[`x${i}`] = { shape, dtype: kind === 'index' ? 'int32' : 'float32' }),
  );
  if (!test.noGradient) inputs['dy'] = { shape: upstreamShape, dtype: 'float32' };
  return { inputs };
}

/** Output `y` and, for every float input, the gradient of Σ dy · y. */
export function stepOf(test: AgreementCase): StepFunction {
  return (inputs) => {
    const all = test.inputs.map((_, i) => tensorNamed(inputs, `x${i}`));
    const outputs: Tensors = { y: test.fn(...all) };
    if (test.noGradient) return { outputs };
    const floats = test.inputs.flatMap(({ kind }, i) => (kind === 'index' ? [] : [i]));
    const ofFloats = (...values: tf.Tensor[]) => test.fn(...all.map((x, i) => values[floats.indexOf(i)] ?? x));
    const gradients = tf.grads(ofFloats)(
      floats.map((i) => tensorNamed(inputs, `x${i}`)),
      tensorNamed(inputs, 'dy'),
    );
    gradients.forEach((gradient, k) => (outputs[`dx${floats[k]}`] = gradient));
    return { outputs };
  };
}

function tensorNamed(tensors: Tensors, name: string): tf.Tensor {
  const tensor = tensors[name];
  if (!tensor) throw new RangeError(`no tensor named ${name}`);
  return tensor;
}

/** The output's shape, found by running the function once on zeros. */
export function outputShape(test: AgreementCase): number[] {
  return tf.tidy(() => {
    const zeros = test.inputs.map(({ shape, kind }) => tf.zeros([...shape], kind === 'index' ? 'int32' : 'float32'));
    return test.fn(...zeros).shape;
  });
}

export async function runOn(engine: Engine, test: AgreementCase, upstreamShape: readonly number[]): Promise<Arrays> {
  const program = await engine.compile(stepOf(test), signatureOf(test, upstreamShape), { label: test.name });
  const results = await program.run(drawInputs(test, product(upstreamShape)));
  const copies = Object.fromEntries(Object.entries(results).map(([name, values]) => [name, values.slice()]));
  await program.dispose();
  return copies;
}

/** Largest difference, relative to the largest magnitude of the second array; Infinity for NaN or unequal lengths. */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  let worst = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs((a[i] ?? Number.NaN) - (b[i] ?? Number.NaN));
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(b[i] ?? 0));
  }
  return largest === 0 ? worst : worst / largest;
}
