import { elementCount, type ParameterEntry } from '@tributary/protocol/manifest';
import { coveredRanges } from '../aggregation/coverage.js';
import type { Range } from '../vectors/range.js';

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
  const ranges: Range[] = coveredRanges(manifest, { parameters: shared });
  for (const { begin, end } of ranges) weights.set(global.subarray(begin, end), begin);
  return weights;
}
