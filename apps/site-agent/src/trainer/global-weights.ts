import { TributaryError } from '@tributary/protocol';
import { manifestHash } from '@tributary/protocol/manifest-hash';
import type { ParameterEntry } from '@tributary/protocol/manifest';
import { readParameterFile } from '@tributary/safetensors';

/**
 * Reads a model version's weights.
 *
 * @returns The flat vector in manifest order.
 * @throws TributaryError UPDATE_WRONG_MANIFEST when names or shapes are not those of the network; SAFETENSORS_INVALID.
 */
export async function readGlobalWeights(path: string, network: readonly ParameterEntry[]): Promise<Float32Array> {
  const { manifest, flat } = await readParameterFile(path);
  if (manifestHash(manifest) === manifestHash(network)) return flat;
  throw new TributaryError('UPDATE_WRONG_MANIFEST', {
    detail: "the global weights are not those of the run's network",
  });
}
