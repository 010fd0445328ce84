import type { ElementType } from '@tributary/onnx-graph';

/**
 * The element type of a tfjs dtype; float32 when tfjs leaves it out.
 * @throws RangeError for string and complex64, which cannot be recorded.
 */
export function elementType(dtype: string | undefined): ElementType {
  if (dtype === undefined || dtype === 'float32') return 'float32';
  if (dtype === 'int32' || dtype === 'bool') return dtype;
  throw new RangeError(`tensors of type ${dtype} cannot be recorded; use float32, int32 or bool`);
}
