/** Number of distinct elements of a symmetric `d x d` matrix. */
export function packedPairs(dimensions: number): number {
  return (dimensions * (dimensions + 1)) / 2;
}

/** Number of distinct elements of a symmetric `d x d x d` tensor. */
export function packedTriples(dimensions: number): number {
  return (dimensions * (dimensions + 1) * (dimensions + 2)) / 6;
}

/**
 * Adds the outer product `x x^T` to `sums`.
 * @param sums packed symmetric matrix: the elements `(i, j)`, `i <= j`, row by row.
 */
export function addOuterPairs(sums: Float64Array, x: Float64Array): void {
  let slot = 0;
  for (let i = 0; i < x.length; i++) {
    const xi = x[i] ?? 0;
    for (let j = i; j < x.length; j++) {
      sums[slot] = (sums[slot] ?? 0) + xi * (x[j] ?? 0);
      slot++;
    }
  }
}

/**
 * Adds the third-order outer product `x (x) x (x) x` to `sums`.
 * @param sums packed symmetric tensor: the elements `(i, j, k)`, `i <= j <= k`, in lexicographic order.
 */
export function addOuterTriples(sums: Float64Array, x: Float64Array): void {
  let slot = 0;
  for (let i = 0; i < x.length; i++) {
    for (let j = i; j < x.length; j++) {
      const xij = (x[i] ?? 0) * (x[j] ?? 0);
      for (let k = j; k < x.length; k++) {
        sums[slot] = (sums[slot] ?? 0) + xij * (x[k] ?? 0);
        slot++;
      }
    }
  }
}

/** Sum of the products of all `d^2` elements of two packed symmetric matrices. */
export function innerPairs(a: Float64Array, b: Float64Array, dimensions: number): number {
  let sum = 0;
  let slot = 0;
  for (let i = 0; i < dimensions; i++) {
    for (let j = i; j < dimensions; j++) {
      const multiplicity = i === j ? 1 : 2;
      sum += multiplicity * (a[slot] ?? 0) * (b[slot] ?? 0);
      slot++;
    }
  }
  return sum;
}

/** Sum of the products of all `d^3` elements of two packed symmetric third-order tensors. */
export function innerTriples(a: Float64Array, b: Float64Array, dimensions: number): number {
  let sum = 0;
  let slot = 0;
  for (let i = 0; i < dimensions; i++) {
    for (let j = i; j < dimensions; j++) {
      for (let k = j; k < dimensions; k++) {
        sum += permutations(i, j, k) * (a[slot] ?? 0) * (b[slot] ?? 0);
        slot++;
      }
    }
  }
  return sum;
}

/** In how many orders the sorted indices `i <= j <= k` occur in the full tensor. */
function permutations(i: number, j: number, k: number): number {
  if (i === k) return 1;
  return i === j || j === k ? 3 : 6;
}

/** Sum of the diagonal of a packed symmetric matrix. */
export function packedTrace(packed: Float64Array, dimensions: number): number {
  let trace = 0;
  let slot = 0;
  for (let i = 0; i < dimensions; i++) {
    trace += packed[slot] ?? 0;
    slot += dimensions - i;
  }
  return trace;
}
