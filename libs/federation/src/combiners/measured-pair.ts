import { BLOCK_LENGTH } from '../aggregation/measures.js';

/** One summand of a linear combination. */
export interface Term {
  readonly coefficient: number;
  readonly values: Float32Array;
  /** Its place in the group. */
  readonly site: number;
}

/**
 * sum += p * a + q * b, the first before the second, and the squared norms of a and b, each number read once: the bits of
 * `squaredNorm` and of adding one after the other, in two thirds of the time.
 *
 * @param squaredNorms By site; the norms are added to what they are.
 */
export function addMeasuredPair(
  sum: Float64Array,
  [first, second]: readonly [Term, Term],
  squaredNorms: Float64Array,
): void {
  for (let begin = 0; begin < sum.length; begin += BLOCK_LENGTH) {
    const end = Math.min(begin + BLOCK_LENGTH, sum.length);
    const part = sum.subarray(begin, end);
    addBlock(part, cut(first, begin, end), { second: cut(second, begin, end), squaredNorms });
  }
}

function cut({ values, ...term }: Term, begin: number, end: number): Term {
  return { ...term, values: values.subarray(begin, end) };
}

/** One block of at most BLOCK_LENGTH numbers, four running sums a norm. */
function addBlock(
  sum: Float64Array,
  { coefficient: p, values: a, site: siteA }: Term,
  { second, squaredNorms }: { readonly second: Term; readonly squaredNorms: Float64Array },
): void {
  const { coefficient: q, values: b, site: siteB } = second;
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  let b0 = 0;
  let b1 = 0;
  let b2 = 0;
  let b3 = 0;
  let i = 0;
  for (; i + 3 < sum.length; i += 4) {
    const x0 = a[i] ?? 0;
    const x1 = a[i + 1] ?? 0;
    const x2 = a[i + 2] ?? 0;
    const x3 = a[i + 3] ?? 0;
    const y0 = b[i] ?? 0;
    const y1 = b[i + 1] ?? 0;
    const y2 = b[i + 2] ?? 0;
    const y3 = b[i + 3] ?? 0;
    a0 += x0 * x0;
    a1 += x1 * x1;
    a2 += x2 * x2;
    a3 += x3 * x3;
    b0 += y0 * y0;
    b1 += y1 * y1;
    b2 += y2 * y2;
    b3 += y3 * y3;
    sum[i] = (sum[i] ?? 0) + p * x0 + q * y0;
    sum[i + 1] = (sum[i + 1] ?? 0) + p * x1 + q * y1;
    sum[i + 2] = (sum[i + 2] ?? 0) + p * x2 + q * y2;
    sum[i + 3] = (sum[i + 3] ?? 0) + p * x3 + q * y3;
  }
  for (; i < sum.length; i++) {
    a0 += (a[i] ?? 0) ** 2;
    b0 += (b[i] ?? 0) ** 2;
    sum[i] = (sum[i] ?? 0) + p * (a[i] ?? 0) + q * (b[i] ?? 0);
  }
  squaredNorms[siteA] = (squaredNorms[siteA] ?? 0) + (a0 + a1 + (a2 + a3));
  squaredNorms[siteB] = (squaredNorms[siteB] ?? 0) + (b0 + b1 + (b2 + b3));
}
