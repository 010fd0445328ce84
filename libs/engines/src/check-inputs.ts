import { product } from '@tributary/onnx-graph';
import type { Arrays, DType, TensorSpec } from '@tributary/tensor';

interface NamedSpec extends TensorSpec {
  readonly name: string;
}

function typeOf(array: Float32Array | Int32Array): DType {
  return array instanceof Int32Array ? 'int32' : 'float32';
}

/**
 * Checks that every declared input is there, with its type and number of elements, and nothing else.
 * @throws RangeError or TypeError naming the input.
 */
export function checkInputs(specs: readonly NamedSpec[], inputs: Arrays): void {
  for (const { name, shape, dtype = 'float32' } of specs) {
    const array = inputs[name];
    if (!array) throw new RangeError(`input ${name} is missing`);
    if (typeOf(array) !== dtype) throw new TypeError(`input ${name} must be ${dtype}, got ${typeOf(array)}`);
    if (array.length !== product(shape)) {
      throw new RangeError(
        `input ${name} has ${array.length} numbers, its shape [${shape.join(', ')}] needs ${product(shape)}`,
      );
    }
  }
  const unknown = Object.keys(inputs).find((name) => !specs.some((spec) => spec.name === name));
  if (unknown !== undefined) throw new RangeError(`input ${unknown} is not in the program's signature`);
}
