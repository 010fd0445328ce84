/** Number of elements of a shape; 1 for a scalar. */
export function product(shape: readonly number[]): number {
  return shape.reduce((all, size) => all * size, 1);
}

/** `[0, 1, …, count - 1]`. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Whether two shapes have the same rank and sizes. */
export function equalShapes(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

/** The element at `index`; throws RangeError when there is none. */
export function at<T>(list: ArrayLike<T | undefined>, index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`no element ${index} in a list of ${list.length}`);
  return item;
}

/** `axis` counted from the front: -1 becomes rank - 1. */
export function positiveAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
