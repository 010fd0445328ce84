import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { changedBytes, openFileBytes } from '@tributary/federation';
import type { AssignmentOffer, BlobRef } from '@tributary/protocol';
import type { Federation } from '@tributary/protocol/federation';
import { openParameters } from '@tributary/safetensors';
import type { DownloadBase } from '../coordinator-client/blob-download.js';
import { ProposedRecipes } from '../policy/proposed-recipes.js';
import { AssignmentStore } from './assignment-store.js';
import { CONTROL_FILE, taskBlobs } from './task-folder.js';

/**
 * What a run's earlier assignments left at the site, so that of a new version only the parameters are fetched that the sites
 * share: the folders of the last few are still there.
 */
@Injectable()
export class EarlierFiles {
  constructor(
    private readonly store: AssignmentStore,
    private readonly recipes: ProposedRecipes,
  ) {}

  /**
   * The newest file from which one of an offer's can be made.
   *
   * @param wanted One of the offer's `taskBlobs`.
   * @returns Undefined where there is none, or where all of the model is shared.
   */
  async baseOf(
    offer: AssignmentOffer,
    [file, { sizeBytes }]: readonly [file: string, blob: BlobRef],
  ): Promise<DownloadBase | undefined> {
    const { federation } = await this.recipes.recipe(offer);
    if (federation.exchange === 'full' && federation.localParameters.length === 0) return undefined;
    for (const record of (await this.store.list(offer.runId)).reverse()) {
      for (const [name, blob] of taskBlobs(record.offer)) {
        // Weights and their averages stem from the same first weights, control variates from zeros.
        const isAlike = blob.sizeBytes === sizeBytes && (name === CONTROL_FILE) === (file === CONTROL_FILE);
        const base = isAlike ? await baseAt(join(this.store.folder(record.offer), name), federation) : undefined;
        if (base !== undefined) return base;
      }
    }
    return undefined;
  }
}

/** Undefined where the file cannot be read: it was never fetched, or is damaged. */
async function baseAt(path: string, federation: Federation): Promise<DownloadBase | undefined> {
  const bytes = await openFileBytes(path).catch(() => undefined);
  if (bytes === undefined) return undefined;
  try {
    const { header } = await openParameters(bytes, 'name');
    return { path, changed: changedBytes(header.entries, federation) };
  } catch {
    return undefined;
  } finally {
    await bytes.close();
  }
}
