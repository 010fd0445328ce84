import { elementCount, type ParameterEntry } from '@tributary/protocol/manifest';
import { coveredRanges } from '../aggregation/coverage.js';

/** The part of a manifest that an update of some parameters holds. */
export function heldManifest(manifest: readonly ParameterEntry[], parameters: readonly string[]): ParameterEntry[] {
  const names = new Set(parameters);
  return manifest.filter(({ name }) => names.has(name));
}

/** The numbers of some parameters, one after the other in manifest order: what such an update's file holds. */
export function packParameters(
  vector: Float32Array,
  manifest: readonly ParameterEntry[],
  parameters: readonly string[],
): Float32Array {
  const packed = new Float32Array(
    heldManifest(manifest, parameters).reduce((sum, { shape }) => sum + elementCount(shape), 0),
  );
  let offset = 0;
  for (const { begin, end } of coveredRanges(manifest, { parameters })) {
    packed.set(vector.subarray(begin, end), offset);
    offset += end - begin;
  }
  return packed;
}

/** Writes packed numbers back to their places in a vector; the others stay as they are. */
export function unpackParameters(
  packed: Float32Array,
  vector: Float32Array,
  { manifest, parameters }: { readonly manifest: readonly ParameterEntry[]; readonly parameters: readonly string[] },
): void {
  let offset = 0;
  for (const { begin, end } of coveredRanges(manifest, { parameters })) {
    vector.set(packed.subarray(offset, offset + end - begin), begin);
    offset += end - begin;
  }
}

/** Copies the numbers of some parameters from one vector to another of the same layout. */
export function copyParameters(
  from: Float32Array,
  to: Float32Array,
  { manifest, parameters }: { readonly manifest: readonly ParameterEntry[]; readonly parameters: readonly string[] },
): void {
  for (const { begin, end } of coveredRanges(manifest, { parameters })) to.set(from.subarray(begin, end), begin);
}

/**
 * What a site trains from: the global weights, with its own values where it keeps them.
 *
 * @param shared Parameters that come from the global weights (with `usplit` all that any site sends).
 */
export function adoptGlobal(
  own: Float32Array,
  global: Float32Array,
  { manifest, shared }: { readonly manifest: readonly ParameterEntry[]; readonly shared: readonly string[] },
): Float32Array {
  const weights = own.slice();
  copyParameters(global, weights, { manifest, parameters: shared });
  return weights;
}
