import { TributaryError } from '@tributary/protocol/errors';
import { join } from 'node:path';
import type { ApiClient } from '../../http/api-client.js';
import { fetchBlob } from '../../http/fetch-blob.js';
import { DownloadProgress } from '../../output/download-progress.js';
import type { Output } from '../../output/output.js';

/** Where weights are downloaded to. */
export interface DownloadPlace {
  /** Outlives the process; made when it is not there. */
  readonly folder: string;
  /** Shown how far it is; else nothing is. */
  readonly output?: Output | undefined;
  /** What is downloaded, as people read it. */
  readonly label?: string;
}

/**
 * Downloads a file of weights, or takes the one that is there from an earlier call.
 *
 * @returns Its path.
 * @throws TributaryError As `fetchBlob`, telling where what has arrived lies.
 */
export async function downloadWeights(api: ApiClient, sha256: string, place: DownloadPlace): Promise<string> {
  const { folder, output, label = 'Downloading weights' } = place;
  const path = join(folder, `${sha256}.safetensors`);
  const progress = output && new DownloadProgress(output, { label });
  try {
    await fetchBlob(api, {
      sha256,
      path,
      onBytes: (reached) => progress?.update(reached),
      onBreak: () => progress?.broke(),
    });
  } catch (error) {
    throw withPlace(error, folder);
  }
  progress?.finish();
  return path;
}

/** What can be gone on with is told with its place. */
function withPlace(error: unknown, folder: string): unknown {
  if (!(error instanceof TributaryError)) return error;
  const { code, context } = error;
  if (code !== 'INTERRUPTED' && code !== 'COORDINATOR_UNREACHABLE') return error;
  const kept = `what has arrived is in ${folder}, the same command goes on where it was`;
  const detail = context.detail === undefined ? kept : `${context.detail}; ${kept}`;
  return new TributaryError(code, { ...context, detail }, { cause: error });
}
