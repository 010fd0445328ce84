import type { UpdateSurvey } from '../combiners/combiner.js';
import { squaredDistance, squaredNorm } from './measures.js';

export interface SurveyState {
  readonly squaredNorms: Float64Array;
  readonly squaredDistances: Float64Array | undefined;
}

/** Before any window was seen. */
export function initSurvey(siteCount: number, { distances }: { readonly distances: boolean }): SurveyState {
  return {
    squaredNorms: new Float64Array(siteCount),
    squaredDistances: distances ? new Float64Array(siteCount * siteCount) : undefined,
  };
}

/** Adds one window of every site's update. Sums in place: the state is n or n^2 numbers for n sites. */
export function surveyWindow({ squaredNorms, squaredDistances }: SurveyState, updates: readonly Float32Array[]): void {
  const sites = updates.length;
  for (const [site, update] of updates.entries()) {
    squaredNorms[site] = squaredNorm(update, squaredNorms[site]);
    if (!squaredDistances) continue;
    for (const [other, otherUpdate] of updates.slice(0, site).entries()) {
      const sum = squaredDistance(update, otherUpdate, squaredDistances[site * sites + other]);
      squaredDistances[site * sites + other] = sum;
      squaredDistances[other * sites + site] = sum;
    }
  }
}

/**
 * Factor for each update that brings it to `clipNorm` at most: min(1, clipNorm / norm). 1 for an update of norm 0.
 * Sun et al. 2019, "Can you really backdoor federated learning?", section 4 (norm thresholding).
 */
export function clipScales(squaredNorms: Float64Array, clipNorm: number | undefined): Float64Array {
  if (clipNorm === undefined) return squaredNorms.map(() => 1);
  return squaredNorms.map((square) => (square > clipNorm ** 2 ? clipNorm / Math.sqrt(square) : 1));
}

/**
 * The survey that scaled updates would have had, without another pass:
 * |a·u - b·v|^2 = a^2|u|^2 + b^2|v|^2 - ab(|u|^2 + |v|^2 - |u - v|^2).
 */
export function scaleSurvey({ squaredNorms, squaredDistances }: SurveyState, scales: Float64Array): UpdateSurvey {
  const sites = squaredNorms.length;
  return {
    squaredNorms: squaredNorms.map((square, site) => square * (scales[site] ?? 1) ** 2),
    squaredDistances: squaredDistances?.map((distance, index) => {
      const [i, j] = [Math.floor(index / sites), index % sites];
      const [a, b] = [scales[i] ?? 1, scales[j] ?? 1];
      const [u, v] = [squaredNorms[i] ?? 0, squaredNorms[j] ?? 0];
      return a === 1 && b === 1 ? distance : Math.max(0, a * a * u + b * b * v - a * b * (u + v - distance));
    }),
  };
}

/** Multiplies each site's windows by its factor, in place; rounds to float32 once. */
export function scaleUpdates(updates: readonly (readonly Float32Array[])[], scales: Float64Array): void {
  for (const sites of updates) {
    for (const [site, values] of sites.entries()) {
      const scale = scales[site] ?? 1;
      if (scale === 1) continue;
      for (let i = 0; i < values.length; i++) values[i] = scale * (values[i] ?? 0);
    }
  }
}
