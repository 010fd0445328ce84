import type { CombineWindow } from './combiner.js';

/** Above this many sites the engine's own sort is faster than insertion. */
const INSERTION_LIMIT = 32;

/**
 * Applies a statistic of sorted values to every coordinate: delta[i] = statistic(sorted updates[.][i]).
 *
 * @param statistic Sees one coordinate's values of all sites, ascending; must not keep them.
 */
export function sortedCoordinates(statistic: (ascending: Float64Array) => number): CombineWindow {
  return (updates, delta) => {
    const column = new Float64Array(updates.length);
    for (let i = 0; i < delta.length; i++) {
      for (let site = 0; site < column.length; site++) column[site] = updates[site]?.[i] ?? 0;
      sortAscending(column);
      delta[i] = statistic(column);
    }
  };
}

function sortAscending(values: Float64Array): void {
  if (values.length > INSERTION_LIMIT) {
    values.sort();
    return;
  }
  for (let i = 1; i < values.length; i++) {
    const value = values[i] ?? 0;
    let j = i - 1;
    for (; j >= 0 && (values[j] ?? 0) > value; j--) values[j + 1] = values[j] ?? 0;
    values[j + 1] = value;
  }
}
