import { z } from 'zod';
import { locateTensors, type TensorLocation } from './safetensors.js';

const MAX_NAME_LENGTH = 256;

const parameterSchema = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(MAX_NAME_LENGTH)
    .refine((name) => name !== '__metadata__', 'is reserved'),
  shape: z.array(z.int().positive()).max(8).readonly(),
});

/**
 * Every parameter of a model in the order of the flat float32 vector: ascending by name (UTF-16 code units).
 * Offsets are derived, never written, so they cannot disagree with the shapes.
 */
export const parameterManifestSchema = z
  .array(parameterSchema)
  .min(1)
  .refine(
    (entries) => entries.every((entry, index) => index === 0 || (entries[index - 1]?.name ?? '') < entry.name),
    'names must be strictly ascending',
  )
  .refine(
    (entries) => Number.isSafeInteger(4 * entries.reduce((sum, entry) => sum + elementCount(entry.shape), 0)),
    'the vector must be smaller than 2^53 bytes',
  );

export type ParameterManifest = z.infer<typeof parameterManifestSchema>;
export type ParameterEntry = ParameterManifest[number];

/** Product of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** Length of the flat vector, in numbers. */
export function parameterCount(manifest: readonly ParameterEntry[]): number {
  return manifest.reduce((sum, entry) => sum + elementCount(entry.shape), 0);
}

/** The manifest as tensors of a safetensors file, with the bytes each of them takes. */
export function manifestLocations(manifest: readonly ParameterEntry[]): TensorLocation[] {
  return locateTensors(manifest.map(({ name, shape }) => ({ name, dtype: 'F32', shape })));
}
