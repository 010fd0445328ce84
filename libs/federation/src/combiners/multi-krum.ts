import { TributaryError } from '@tributary/protocol/errors';
import type { Combiner, UpdateSurvey } from './combiner.js';
import { linearCombination } from './linear-combination.js';

/**
 * The mean of the m updates with the lowest score; the score of an update is the sum of its squared distances to its
 * n - f - 2 nearest others. Tolerates f sites that send anything. Blanchard et al. 2017, section 4 (Krum: m = 1).
 *
 * @param byzantine f; integer >= 0. A round needs n >= 2f + 3 updates.
 * @param selected  m; default n - f. At most n - f.
 */
export function multiKrum(byzantine: number, selected?: number): Combiner {
  return {
    name: 'multi-Krum',
    survey: 'distances',
    prepare: ({ sites, survey }) => {
      const needed = 2 * byzantine + 3;
      if (sites.length < needed) throw new TributaryError('ROUND_QUORUM_NOT_MET', { updates: sites.length, needed });
      const honest = sites.length - byzantine;
      const chosen = new Set(lowest(krumScores(survey, sites.length, byzantine), Math.min(selected ?? honest, honest)));
      return (group) => {
        const members = group.filter((site) => chosen.has(site)).length;
        return linearCombination(group.map((site) => (chosen.has(site) ? 1 / members : 0)));
      };
    },
  };
}

function krumScores(survey: UpdateSurvey | undefined, sites: number, byzantine: number): number[] {
  const distances = survey?.squaredDistances;
  if (!distances) throw new TypeError('multi-Krum needs the distances of a survey');
  return Array.from({ length: sites }, (_, site) => {
    const row = distances.slice(site * sites, (site + 1) * sites);
    const toOthers = row.filter((_, other) => other !== site).sort();
    return toOthers.subarray(0, sites - byzantine - 2).reduce((sum, distance) => sum + distance, 0);
  });
}

/** Positions of the `count` lowest scores; of equal scores the first. */
function lowest(scores: readonly number[], count: number): number[] {
  return scores
    .map((score, site) => ({ score, site }))
    .sort((a, b) => a.score - b.score || a.site - b.site)
    .slice(0, count)
    .map(({ site }) => site);
}
