import { decodeSiteEvaluation, mergeScarceClasses, scoreSites, type SiteScores } from '@tributary/evaluation';
import { randomStream } from '@tributary/random';
import type { SimulatedSite } from './simulated-site.js';

/** Scores of a model as the coordinator computes them, from what every site evaluates. */
export async function scoreModel(
  sites: readonly SimulatedSite[],
  models: { readonly before: string; readonly after: string },
): Promise<SiteScores> {
  const [first] = sites;
  if (first === undefined) throw new RangeError('a score needs a site');
  const { classes, evaluation, seed, rounds } = first.parts.run.recipe;
  const results = [];
  for (const site of sites) results.push(decodeSiteEvaluation(await site.evaluate(rounds.count + 1, models)));
  const random = randomStream(seed, 'evaluation', 'expected-confusion');
  const mergedClass = mergeScarceClasses(classes, evaluation.scarceClasses);
  return scoreSites(results, { mergedClass, normal: () => random.normal() });
}
