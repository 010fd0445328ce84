import type { Recipe } from '@tributary/protocol/recipe';
import { percentile } from './percentile.js';

/** How a recipe asks for intensities: percentiles of each series, or one fixed window. */
export type IntensityRecipe = Recipe['data']['intensity'];

/** Values that become −1 and 1. */
export interface IntensityWindow {
  readonly low: number;
  readonly high: number;
}

/**
 * The window of one series.
 *
 * @param values All values of the series' images, without margins; not empty.
 */
export function seriesWindow(recipe: IntensityRecipe, values: Float32Array): IntensityWindow {
  if (recipe.method === 'window') return { low: recipe.low, high: recipe.high };
  const sorted = values.toSorted();
  return { low: percentile(sorted, recipe.low), high: percentile(sorted, recipe.high) };
}

/** −1 at the window's low end and below, 1 at its high end and above. */
export function toUnitRange(value: number, { low, high }: IntensityWindow): number {
  return Math.min(1, Math.max(-1, (2 * (value - low)) / (high - low) - 1));
}

/** The value that a number of −1 … 1 stands for; the inverse of `toUnitRange` within the window. */
export function fromUnitRange(unit: number, { low, high }: IntensityWindow): number {
  return low + ((unit + 1) / 2) * (high - low);
}
