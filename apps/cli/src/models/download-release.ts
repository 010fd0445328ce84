import { TributaryError } from '@tributary/protocol/errors';
import { releaseSchema } from '@tributary/protocol/http';
import type { ApiClient } from '../http/api-client.js';
import { releasedModel, type ReleasedModel } from './model-folder.js';
import type { ModelReference } from './model-reference.js';
import { verifyModel } from './verify-model.js';
import { readFlatWeights } from './weights-file.js';

/**
 * Downloads a run's release and holds it to its lineage and signature.
 *
 * @throws TributaryError USAGE_INVALID for a round that was not released, MODEL_VERIFY_FAILED, MODEL_INVALID, or what the
 *   coordinator answered.
 */
export async function downloadRelease(api: ApiClient, { runId, round }: ModelReference): Promise<ReleasedModel> {
  const { lineage, signature, publicKey } = await api.get(`/v1/releases/${runId}`, releaseSchema);
  if (round !== null && lineage.version !== `${runId}/${round}`) {
    const fields = [{ path: 'ref', expected: `${lineage.version}, the released version of the run` }];
    throw new TributaryError('USAGE_INVALID', { detail: `${runId}/${round} is not released`, fields });
  }
  const weights = readFlatWeights(await api.bytes(`/v1/blobs/${lineage.emaSha256}`));
  const model = releasedModel(lineage, { signature, publicKey }, weights);
  verifyModel(model);
  return model;
}
