import { TributaryError } from '@tributary/protocol/errors';
import type { SafetensorsHeader, TensorEntry } from '@tributary/protocol/safetensors';

/**
 * Holds a decoded header to what it should be: the same names, types, shapes and order.
 *
 * @throws TributaryError UPDATE_WRONG_MANIFEST that names the first position at which they differ, never a name.
 */
export function assertHeaderMatches(header: SafetensorsHeader, expected: readonly TensorEntry[]): void {
  if (header.entries.length !== expected.length) {
    throw wrongManifest(`${header.entries.length} parameters instead of ${expected.length}`);
  }
  for (const [index, { name, dtype, shape }] of expected.entries()) {
    const found = header.entries[index];
    if (found?.name !== name) throw wrongManifest(`parameter ${index} has another name`);
    if (found.dtype !== dtype) throw wrongManifest(`parameter ${index} is ${found.dtype}, not ${dtype}`);
    if (found.shape.join() !== shape.join()) throw wrongManifest(`parameter ${index} has another shape`);
  }
}

function wrongManifest(detail: string): TributaryError {
  return new TributaryError('UPDATE_WRONG_MANIFEST', { detail });
}
