import type { ParameterEntry } from '@tributary/protocol/manifest';

/**
 * The manifest of an update that carries several vectors of the model's size: `<vector>/<parameter>`, one vector after
 * the other. With a single vector it is the model's manifest itself.
 *
 * @param vectors Ascending by name, at least one, without '/'.
 */
export function updateManifest(manifest: readonly ParameterEntry[], vectors: readonly string[]): ParameterEntry[] {
  if (vectors.length === 1) return [...manifest];
  return vectors.flatMap((vector) => manifest.map(({ name, shape }) => ({ name: `${vector}/${name}`, shape })));
}
