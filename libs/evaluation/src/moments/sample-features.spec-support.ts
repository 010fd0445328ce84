/**
 * `count` reproducible numbers in [0, 1) in steps of 1/1000, from the linear congruential generator of the C standard's
 * example, so that a few lines of any language make the same ones.
 */
export function sampleNumbers(seed: number, count: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = Number((1103515245n * BigInt(state) + 12345n) % 2147483648n);
    return (Math.floor(state / 65536) % 1000) / 1000;
  });
}

/** `[count, dimensions]` features: those numbers, scaled and shifted by column. */
export function sampleFeatures(
  seed: number,
  count: number,
  columns: { scale: readonly number[]; shift: readonly number[] },
): Float32Array {
  const dimensions = columns.scale.length;
  return Float32Array.from(sampleNumbers(seed, count * dimensions), (value, at) => {
    const column = at % dimensions;
    return value * (columns.scale[column] ?? 1) + (columns.shift[column] ?? 0);
  });
}

/** Columns that leave the numbers as they are. */
export function plainColumns(dimensions: number): { scale: number[]; shift: number[] } {
  return { scale: Array.from({ length: dimensions }, () => 1), shift: Array.from({ length: dimensions }, () => 0) };
}
