import type { Combiner, SiteContribution } from './combiner.js';
import { linearCombination } from './linear-combination.js';

/** Coefficient of every site of a group in the linear combination of their updates. */
export type CoefficientRule = (sites: readonly SiteContribution[]) => number[];

/** FedAvg: p_k = n_k / sum of n. McMahan et al. 2017, algorithm 1. */
export const imageShares: CoefficientRule = (sites) => {
  const images = sites.reduce((sum, site) => sum + site.images, 0);
  return sites.map((site) => site.images / images);
};

/** Every site the same: 1 / |S|. SCAFFOLD's server step (Karimireddy et al. 2020, algorithm 1, line 16). */
export const equalShares: CoefficientRule = (sites) => sites.map(() => 1 / sites.length);

/** 1 / N each, N all sites of the run: those that sent nothing count as no change. SCAFFOLD's control variates, line 17. */
export function equalShareOfAll(siteCount: number): CoefficientRule {
  return (sites) => sites.map(() => 1 / siteCount);
}

/**
 * FedNova: delta = tauEff * sum of p_k * update_k / tau_k, with tauEff = sum of p_k * tau_k.
 * Removes the pull of sites that take more local steps. Wang et al. 2020, eq. 6 with plain local SGD (|a_k|_1 = tau_k).
 */
export const normalisedAveraging: CoefficientRule = (sites) => {
  const shares = imageShares(sites);
  const tauEff = sites.reduce((sum, site, k) => sum + (shares[k] ?? 0) * site.localSteps, 0);
  return sites.map((site, k) => (tauEff * (shares[k] ?? 0)) / site.localSteps);
};

/**
 * FedBuff: delta = (1 / K) * sum of s(staleness_k) * update_k, with s(t) = (1 + t)^(-exponent).
 * The sum of coefficients is below 1 when updates are stale: late news moves the model less.
 * Nguyen et al. 2022, algorithm 1 and section 5 (exponent 1/2).
 */
export function stalenessDiscount(exponent: number): CoefficientRule {
  return (sites) => sites.map((site) => (1 + site.staleness) ** -exponent / sites.length);
}

/** A combiner that is linear in the updates and needs no first pass. */
export function weightedMean(name: string, rule: CoefficientRule): Combiner {
  return {
    name,
    survey: 'none',
    prepare: ({ sites }) => {
      for (const site of sites) assertContribution(site);
      return (group) => linearCombination(rule(group.flatMap((index) => sites[index] ?? [])));
    },
  };
}

function assertContribution({ images, localSteps, staleness }: SiteContribution): void {
  if (!(images > 0) || !Number.isFinite(images)) throw new RangeError('images of a site must be finite and > 0');
  if (!(localSteps > 0) || !Number.isFinite(localSteps)) throw new RangeError('localSteps must be finite and > 0');
  if (!(staleness >= 0) || !Number.isFinite(staleness)) throw new RangeError('staleness must be finite and >= 0');
}
