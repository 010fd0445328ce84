import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { decodeSiteEvaluation, mergeScarceClasses, scoreSites, type SiteScores } from '@tributary/evaluation';
import { TributaryError, type EvaluationResult, type Recipe } from '@tributary/protocol';
import { randomStream } from '@tributary/random';
import { BlobStore } from '../platform/blobs/blob-store.js';

export interface SiteResult {
  readonly siteId: string;
  readonly sha256: string;
}

@Injectable()
export class EvaluationService {
  constructor(private readonly blobs: BlobStore) {}

  /**
   * Holds what a site sent to the format of evaluations.
   *
   * @throws TributaryError SAFETENSORS_INVALID.
   */
  check(bytes: Buffer): void {
    decodeSiteEvaluation(bytes);
  }

  /**
   * Scores of a run from what its sites sent: pooled moments of real held-out images, features of synthetic ones.
   *
   * @param results Ascending by site id.
   * @throws TributaryError EVALUATION_IMPOSSIBLE when the results do not fit together or hold too little.
   */
  async score(recipe: Recipe, results: readonly SiteResult[]): Promise<EvaluationResult> {
    const sites = await Promise.all(
      results.map(async ({ sha256 }) => decodeSiteEvaluation(await buffer(await this.blobs.read(sha256)))),
    );
    const random = randomStream(recipe.seed, 'evaluation', 'expected-confusion');
    const mergedClass = mergeScarceClasses(recipe.classes, recipe.evaluation.scarceClasses);
    try {
      return toResult(scoreSites(sites, { mergedClass, normal: () => random.normal() }));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new TributaryError('EVALUATION_IMPOSSIBLE', { detail: error.message }, { cause: error });
    }
  }
}

function toResult({ classShare, ...scores }: SiteScores): EvaluationResult {
  const { before, after } = scores;
  if (![before.fd, before.kid, after.fd, after.kid].every(Number.isFinite)) {
    throw new TributaryError('EVALUATION_IMPOSSIBLE', { detail: 'a score is not finite' });
  }
  const { siteShare, realClassShare, realSiteShare, utility, heldOutImages, syntheticImages, realFd, diversity } =
    scores;
  return {
    before,
    after,
    realFd,
    diversity,
    slabShare: classShare,
    siteShare,
    realClassShare,
    realSiteShare,
    utility,
    heldOutImages,
    syntheticImages,
  };
}
