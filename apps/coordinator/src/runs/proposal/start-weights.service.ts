import { Injectable } from '@nestjs/common';
import { startingWeights } from '@tributary/diffusion/initial-model';
import { TributaryError, type Recipe } from '@tributary/protocol';
import { BlobStore } from '../../platform/blobs/blob-store.js';
import type { Db } from '../../platform/database/database.js';
import { BlobReferences } from '../../storage/blob-references.service.js';

/** The weights of another model that a recipe starts from. */
@Injectable()
export class StartWeightsService {
  constructor(
    private readonly blobs: BlobStore,
    private readonly references: BlobReferences,
  ) {}

  /**
   * Holds them to the recipe's network by their names and shapes.
   *
   * @throws TributaryError START_WEIGHTS_MISSING, START_MODEL_UNFIT, SAFETENSORS_INVALID.
   */
  async assertFit(recipe: Recipe, siteCount: number): Promise<void> {
    if (recipe.startFrom === undefined) return;
    const { weightsSha256 } = recipe.startFrom;
    if ((await this.blobs.sizeOf(weightsSha256)) === null) throw missing();
    const bytes = await this.blobs.openBytes(weightsSha256);
    try {
      await startingWeights(recipe, siteCount, bytes);
    } finally {
      await bytes.close();
    }
  }

  /** To be called in the transaction that creates the run. @throws TributaryError START_WEIGHTS_MISSING. */
  async hold(db: Db, { startFrom }: Recipe): Promise<void> {
    if (startFrom === undefined) return;
    if ((await this.references.holdExisting(db, [startFrom.weightsSha256])).size > 0) throw missing();
  }
}

function missing(): TributaryError {
  const fields = [{ path: 'recipe.startFrom.weightsSha256', expected: 'weights that were sent before' }];
  return new TributaryError('START_WEIGHTS_MISSING', { fields });
}
