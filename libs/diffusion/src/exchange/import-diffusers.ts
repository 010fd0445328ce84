import { open } from 'node:fs/promises';
import { concatenated } from '@tributary/layers/parameters/concatenated';
import { readableBytes } from '@tributary/safetensors';
import { unetParameters } from '../network/unet-parameters.js';
import { unetStructure } from '../network/unet-structure.js';
import { assertSameNetwork, openDiffusersFolder, type WantedNetwork } from './diffusers-folder.js';
import { matchStartingWeights } from './starting-weights.js';

export interface DiffusersImport extends WantedNetwork {
  /** Folder with the network's configuration and safetensors (in `unet/` or at the top) and, if it is there, its scheduler's. */
  readonly directory: string;
  /** Seed of the class rows when the model was trained on other classes. */
  readonly seed: number;
}

/**
 * Weights of a diffusers `UNet2DModel` as one flat vector in manifest order, to start training from.
 *
 * @throws TributaryError START_MODEL_UNFIT, SAFETENSORS_INVALID, as `openDiffusersFolder`, `assertSameNetwork` and
 *         `matchStartingWeights` do.
 */
export async function importDiffusers({ directory, seed, ...wanted }: DiffusersImport): Promise<Float32Array> {
  const model = await openDiffusersFolder(directory);
  assertSameNetwork(model, wanted);
  const handle = await open(model.weightsPath, 'r');
  try {
    const parameters = unetParameters(unetStructure(wanted.config));
    const weights = await matchStartingWeights(parameters, await readableBytes(handle), { seed });
    const parts: Float32Array[] = [];
    for await (const values of weights.values()) parts.push(values);
    return concatenated(parts);
  } finally {
    await handle.close();
  }
}
