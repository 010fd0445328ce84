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
    const sizeBytes = await this.blobs.sizeOf(weightsSha256);
    if (sizeBytes === null) throw missing();
    const read = (position: number, into: Uint8Array): Promise<number> =>
      this.read(weightsSha256, { begin: position, end: Math.min(position + into.length, sizeBytes) }, into);
    await startingWeights(recipe, siteCount, { sizeBytes, read });
  }

  /** To be called in the transaction that creates the run. @throws TributaryError START_WEIGHTS_MISSING. */
  async hold(db: Db, { startFrom }: Recipe): Promise<void> {
    if (startFrom === undefined) return;
    if ((await this.references.holdExisting(db, [startFrom.weightsSha256])).size > 0) throw missing();
  }

  private async read(sha256: string, range: { begin: number; end: number }, into: Uint8Array): Promise<number> {
    if (range.begin >= range.end) return 0;
    let done = 0;
    const chunks: AsyncIterable<Uint8Array> = await this.blobs.read(sha256, range);
    for await (const chunk of chunks) {
      into.set(chunk, done);
      done += chunk.length;
    }
    return done;
  }
}

function missing(): TributaryError {
  const fields = [{ path: 'recipe.startFrom.weightsSha256', expected: 'weights that were sent before' }];
  return new TributaryError('START_WEIGHTS_MISSING', { fields });
}
