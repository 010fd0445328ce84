import { TributaryError } from '@tributary/protocol/errors';
import { releaseSchema, type Release } from '@tributary/protocol/http';
import type { ApiClient } from '../../http/api-client.js';
import { downloadWeights, type DownloadPlace } from './download-weights.js';
import { releaseFacts, type ReleaseFacts } from '../folder/model-folder.js';
import type { ModelReference } from '../model-reference.js';
import { verifyRelease } from '../folder/verify-model.js';

/** A release whose weights are in a file of their own. */
export interface DownloadedRelease {
  readonly release: Release;
  readonly facts: ReleaseFacts;
  /** Its SHA-256 is that of the lineage. */
  readonly weightsPath: string;
}

/**
 * Holds a run's release to its lineage and signature, and then downloads its weights.
 *
 * @throws TributaryError USAGE_INVALID for a round that was not released, MODEL_VERIFY_FAILED, DOCUMENT_UNREADABLE; as
 *   `downloadWeights`.
 */
export async function downloadRelease(
  api: ApiClient,
  { runId, round }: ModelReference,
  place: DownloadPlace,
): Promise<DownloadedRelease> {
  const release = await api.get(`/v1/releases/${runId}`, releaseSchema);
  const lineage = verifyRelease(release);
  if (round !== null && lineage.version !== `${runId}/${round}`) {
    const fields = [{ path: 'ref', expected: `${lineage.version}, the released version of the run` }];
    throw new TributaryError('USAGE_INVALID', { detail: `${runId}/${round} is not released`, fields });
  }
  const facts = releaseFacts(release);
  return { release, facts, weightsPath: await downloadWeights(api, lineage.emaSha256, place) };
}
