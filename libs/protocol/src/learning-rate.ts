import type { Recipe } from './recipe.js';

/** The cosine ends at this share of the full rate, so that the last rounds still learn. */
const FINAL_SHARE = 0.05;

/**
 * Learning rate at one local step of a run: linear warm-up, then constant or half a cosine (Loshchilov & Hutter 2017, eq. 5).
 * It depends on the step alone, so every site and every restart is at the same point.
 *
 * @param globalStep 0-based local step over the whole run.
 * @param totalSteps Rounds x local steps; later steps keep the final rate.
 * @throws RangeError when a step is negative or there is no step at all.
 */
export function learningRateAt(optimiser: Recipe['optimiser'], globalStep: number, totalSteps: number): number {
  if (!(globalStep >= 0)) throw new RangeError(`globalStep must be >= 0, got ${globalStep}`);
  if (!(totalSteps >= 1)) throw new RangeError(`totalSteps must be >= 1, got ${totalSteps}`);
  const { learningRate, warmupSteps, schedule } = optimiser;
  const warmup = Math.min(1, (globalStep + 1) / (warmupSteps + 1));
  if (schedule === 'constant') return learningRate * warmup;
  const progress = Math.min(1, globalStep / totalSteps);
  const cosine = 0.5 * (1 + Math.cos(Math.PI * progress));
  return learningRate * warmup * (FINAL_SHARE + (1 - FINAL_SHARE) * cosine);
}

/** Local steps of a whole run. */
export function totalStepsOf({ rounds }: Pick<Recipe, 'rounds'>): number {
  return rounds.count * rounds.localSteps;
}
