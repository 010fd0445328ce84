import { createHash } from 'node:crypto';
import { encodeSafetensorsHeader } from './safetensors.js';
import { manifestLocations, type ParameterEntry } from './manifest.js';

/** SHA-256 (hex) of the safetensors header that belongs to a manifest: equal for equal names, shapes and order only. */
export function manifestHash(manifest: readonly ParameterEntry[]): string {
  return createHash('sha256')
    .update(encodeSafetensorsHeader(manifestLocations(manifest)))
    .digest('hex');
}
