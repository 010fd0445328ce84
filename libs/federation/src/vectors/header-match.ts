import { TributaryError } from '@tributary/protocol/errors';
import type { ParameterEntry } from '@tributary/protocol/manifest';
import type { SafetensorsHeader } from '@tributary/protocol/safetensors';

/**
 * Holds a decoded header to a manifest: the same names, shapes and order, all float32.
 *
 * @throws TributaryError UPDATE_WRONG_MANIFEST that names the first position at which they differ, never a name.
 */
export function assertHeaderMatches(header: SafetensorsHeader, manifest: readonly ParameterEntry[]): void {
  if (header.entries.length !== manifest.length) {
    throw wrongManifest(`${header.entries.length} parameters instead of ${manifest.length}`);
  }
  for (const [index, expected] of manifest.entries()) {
    const found = header.entries[index];
    if (found?.name !== expected.name) throw wrongManifest(`parameter ${index} has another name`);
    if (found.dtype !== 'F32') throw wrongManifest(`parameter ${index} is ${found.dtype}, not F32`);
    if (found.shape.join() !== expected.shape.join()) throw wrongManifest(`parameter ${index} has another shape`);
  }
}

function wrongManifest(detail: string): TributaryError {
  return new TributaryError('UPDATE_WRONG_MANIFEST', { detail });
}
