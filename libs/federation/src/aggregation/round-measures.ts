import { TributaryError } from '@tributary/protocol/errors';
import { squaredNorm } from './measures.js';
import type { RoundWindow } from './round-step.js';

/** Norms of everything that passes by in a round; they also tell whether every number was finite. */
export class RoundMeasures {
  /** Squared norms of the updates, by vector and site, for those who see them to add to. */
  readonly updates: readonly Float64Array[];
  /** By vector. */
  private readonly combined: number[];
  private weights = 0;

  /** @param siteIds In the order of the windows. */
  constructor(
    private readonly siteIds: readonly string[],
    vectors: number,
  ) {
    this.updates = Array.from({ length: vectors }, () => new Float64Array(siteIds.length));
    this.combined = Array.from({ length: vectors }, () => 0);
  }

  addResult(deltas: readonly Float64Array[], { nextWeights }: RoundWindow): void {
    for (const [vector, delta] of deltas.entries()) this.combined[vector] = squaredNorm(delta, this.combined[vector]);
    this.weights = squaredNorm(nextWeights, this.weights);
  }

  /** @throws TributaryError UPDATE_NOT_FINITE, with the site when one update is to blame. */
  assertFinite(): void {
    for (const squares of this.updates) assertFiniteUpdates(squares, this.siteIds);
    if (!Number.isFinite(this.weights)) {
      throw new TributaryError('UPDATE_NOT_FINITE', { detail: 'the next weights would not be finite' });
    }
  }

  /** Euclidean norms: of each site's update, of the combined update, of the next weights. */
  norms(): { updates: number[]; combined: number; weights: number } {
    const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
    return {
      updates: this.siteIds.map((_, site) => Math.sqrt(total(this.updates.map((squares) => squares[site] ?? 0)))),
      combined: Math.sqrt(total(this.combined)),
      weights: Math.sqrt(this.weights),
    };
  }
}

/**
 * @param squaredNorms By site.
 * @throws TributaryError UPDATE_NOT_FINITE with the first site whose norm is not finite.
 */
export function assertFiniteUpdates(squaredNorms: Float64Array, siteIds: readonly string[]): void {
  const site = squaredNorms.findIndex((square) => !Number.isFinite(square));
  if (site >= 0) throw new TributaryError('UPDATE_NOT_FINITE', { siteId: siteIds[site] });
}
