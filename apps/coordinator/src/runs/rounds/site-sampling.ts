import { createHash } from 'node:crypto';
import type { Recipe } from '@tributary/protocol';
import type { SchedulableSite } from '../../identity/sites.service.js';
import { isWithinHours, nextOpening } from './training-hours.js';

/** A round that is about to be opened. */
export interface RoundToSample {
  readonly recipe: Pick<Recipe, 'seed' | 'rounds'>;
  readonly n: number;
  readonly attempt: number;
}

/** Whom to ask; or, when too few may be asked now, until when to wait and for whose hours. */
export type SiteChoice =
  | { readonly kind: 'ask'; readonly siteIds: readonly string[] }
  | { readonly kind: 'wait'; readonly until: Date; readonly for: string };

/**
 * Sites of a round: those within their training hours, all of them or a sample. A round that no quorum could answer is
 * not opened: it waits for the next hours to begin.
 *
 * @param sites Approved sites of the run.
 */
export function chooseSites(sites: readonly SchedulableSite[], round: RoundToSample, now: Date): SiteChoice {
  const { quorum, sampling } = round.recipe.rounds;
  const available = sites.filter(({ trainingHours }) => isWithinHours(trainingHours, now));
  const away = sites.filter(({ trainingHours }) => !isWithinHours(trainingHours, now));
  if (available.length < quorum && away.length > 0) return waitForHours(away, now);
  const siteIds = available.map(({ id }) => id).sort();
  return { kind: 'ask', siteIds: sampling.kind === 'random' ? sample(siteIds, sampling.sites, round) : siteIds };
}

function waitForHours(away: readonly SchedulableSite[], now: Date): SiteChoice {
  const openings = away.map(({ trainingHours }) => nextOpening(trainingHours, now).getTime());
  const names = away.map(({ id, trainingHours }) => `${id} (from ${trainingHours?.from} ${trainingHours?.timeZone})`);
  return { kind: 'wait', until: new Date(Math.min(...openings)), for: `the training hours of ${names.join(', ')}` };
}

/**
 * `size` of the sites, each set as likely as any other: those whose hash with seed, round and attempt is smallest.
 * The same recipe and round give the same sites; another attempt gives others, for some of the first may be away.
 */
function sample(siteIds: readonly string[], size: number, { recipe, n, attempt }: RoundToSample): string[] {
  const rank = (siteId: string): string =>
    createHash('sha256')
      .update(JSON.stringify(['site-sampling', recipe.seed, n, attempt, siteId]))
      .digest('hex');
  const ranked = siteIds.map((siteId) => ({ siteId, rank: rank(siteId) }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  return ranked
    .slice(0, size)
    .map(({ siteId }) => siteId)
    .sort();
}
