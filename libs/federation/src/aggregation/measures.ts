/** Numbers summed into one partial sum. Windows are multiples of it, so a sum does not depend on their size. */
export const BLOCK_LENGTH = 1024;

/**
 * Squared Euclidean norm in float64: block by block, four running sums in a block. NaN or infinite exactly when a value is.
 *
 * @param total Sum over the windows before; to be continued, so that the division into windows leaves no trace.
 */
export function squaredNorm(values: Float32Array | Float64Array, total = 0): number {
  for (let begin = 0; begin < values.length; begin += BLOCK_LENGTH) {
    const end = Math.min(begin + BLOCK_LENGTH, values.length);
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let i = begin;
    for (; i + 3 < end; i += 4) {
      const a = values[i] ?? 0;
      const b = values[i + 1] ?? 0;
      const c = values[i + 2] ?? 0;
      const d = values[i + 3] ?? 0;
      s0 += a * a;
      s1 += b * b;
      s2 += c * c;
      s3 += d * d;
    }
    for (; i < end; i++) s0 += (values[i] ?? 0) ** 2;
    total += s0 + s1 + (s2 + s3);
  }
  return total;
}

/** Squared Euclidean distance of two windows of equal length, in float64, summed as in `squaredNorm`. */
export function squaredDistance(a: Float32Array, b: Float32Array, total = 0): number {
  for (let begin = 0; begin < a.length; begin += BLOCK_LENGTH) {
    const end = Math.min(begin + BLOCK_LENGTH, a.length);
    let s0 = 0;
    let s1 = 0;
    let i = begin;
    for (; i + 1 < end; i += 2) {
      const d0 = (a[i] ?? 0) - (b[i] ?? 0);
      const d1 = (a[i + 1] ?? 0) - (b[i + 1] ?? 0);
      s0 += d0 * d0;
      s1 += d1 * d1;
    }
    for (; i < end; i++) s0 += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
    total += s0 + s1;
  }
  return total;
}

/** Adds the squared norm of every update to `squaredNorms`; both by vector, then by site. */
export function addSquaredNorms(
  updates: readonly (readonly Float32Array[])[],
  squaredNorms: readonly Float64Array[],
): void {
  for (const [vector, squares] of squaredNorms.entries()) {
    for (const [site, values] of (updates[vector] ?? []).entries()) squares[site] = squaredNorm(values, squares[site]);
  }
}
