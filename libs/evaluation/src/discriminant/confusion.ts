import { z } from 'zod';

/** How often class `actual` was taken for `predicted`: counts only, so a site may send it. */
export const confusionSchema = z.array(
  z.strictObject({ actual: z.int().min(0), predicted: z.int().min(0), count: z.int().min(1) }),
);
export type Confusion = z.infer<typeof confusionSchema>;

/**
 * @param actual `[n]` and `predicted` `[n]`: class labels.
 * @throws RangeError if the lengths differ.
 */
export function confusionOf(actual: Int32Array, predicted: Int32Array): Confusion {
  if (actual.length !== predicted.length)
    throw new RangeError(`${predicted.length} predictions for ${actual.length} labels`);
  return sumCells(Array.from(actual, (label, i) => ({ actual: label, predicted: predicted[i] ?? 0, count: 1 })));
}

/** The confusion of all sites together. */
export function poolConfusions(parts: readonly Confusion[]): Confusion {
  return sumCells(parts.flat());
}

/** The same counts between coarser classes, e.g. slabs instead of (site, slab) pairs. */
export function regroupConfusion(confusion: Confusion, target: (label: number) => number): Confusion {
  return sumCells(
    confusion.map(({ actual, predicted, count }) => ({ actual: target(actual), predicted: target(predicted), count })),
  );
}

/** Share of images whose class was found, 0..1; NaN without images. */
export function accuracy(confusion: Confusion): number {
  return countOf(confusion.filter(({ actual, predicted }) => actual === predicted)) / countOf(confusion);
}

/** Mean over the classes of the share found in each, so that a scarce class counts as much as a common one; NaN without images. */
export function balancedAccuracy(confusion: Confusion): number {
  const labels = [...new Set(confusion.map(({ actual }) => actual))];
  const recalls = labels.map((label) => accuracy(confusion.filter(({ actual }) => actual === label)));
  return recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length;
}

function sumCells(cells: Confusion): Confusion {
  const sums = new Map<string, Confusion[number]>();
  for (const { actual, predicted, count } of cells) {
    const key = `${actual}/${predicted}`;
    sums.set(key, { actual, predicted, count: (sums.get(key)?.count ?? 0) + count });
  }
  return [...sums.values()].sort((a, b) => a.actual - b.actual || a.predicted - b.predicted);
}

function countOf(cells: Confusion): number {
  return cells.reduce((sum, { count }) => sum + count, 0);
}
