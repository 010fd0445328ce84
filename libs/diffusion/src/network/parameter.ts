import { randomStream } from '@tributary/random';

/** Distribution of a parameter's first values. */
export type Initial =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'uniform'; readonly bound: number }
  | { readonly kind: 'normal'; readonly stddev: number };

/** A parameter by its name in the PyTorch state dict, its PyTorch shape, and how it starts. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initial: Initial;
}

/** Number of values. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/**
 * First values of one parameter. Each parameter has its own random stream, so that adding a block changes no other's start.
 *
 * @param seed Any safe integer; the same seed gives the same values everywhere.
 */
export function initialParameter({ name, shape, initial }: Parameter, seed: number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  const random = randomStream(seed, 'initial-weights', name);
  switch (initial.kind) {
    case 'constant':
      return values.fill(initial.value);
    case 'uniform':
      random.fillUniform(values);
      return values.map((value) => (2 * value - 1) * initial.bound);
    case 'normal':
      random.fillNormal(values);
      return values.map((value) => value * initial.stddev);
  }
}

/** First weights as one flat vector in the order of `parameters`. */
export function initialWeights(parameters: readonly Parameter[], seed: number): Float32Array {
  const flat = new Float32Array(parameters.reduce((total, { shape }) => total + sizeOf(shape), 0));
  let offset = 0;
  for (const parameter of parameters) {
    flat.set(initialParameter(parameter, seed), offset);
    offset += sizeOf(parameter.shape);
  }
  return flat;
}
