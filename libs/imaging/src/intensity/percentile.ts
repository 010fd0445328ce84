/**
 * The value below which `percent` of the values lie, linear between neighbours (Hyndman & Fan 1996, definition 7; the
 * default of numpy and R).
 *
 * @param sorted Ascending, at least one.
 */
export function percentile(sorted: Float32Array, percent: number): number {
  if (sorted.length === 0) throw new RangeError('percentile of no values');
  const position = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? 0;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? low;
  return low + (position - below) * (high - low);
}
