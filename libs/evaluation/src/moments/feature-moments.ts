import { addOuterPairs, addOuterTriples, packedPairs, packedTriples } from './symmetric-packing.js';

/** Power sums of `count` feature vectors; sums (not means), so that pooling sites is addition. */
export interface MomentSums {
  readonly count: number;
  /** `[d]`: sum of x. */
  readonly first: Float64Array;
  /** Packed `[d, d]`: sum of x x^T. */
  readonly second: Float64Array;
}

/** What the kernel distance needs beyond {@link MomentSums}. */
export interface ThirdOrderSums {
  /** Packed `[d, d, d]`: sum of x (x) x (x) x. */
  readonly third: Float64Array;
  /** Sum of |x|^4. */
  readonly normFourth: number;
  /** Sum of |x|^6. */
  readonly normSixth: number;
}

/** All that leaves a site about its real images: sums over images, never an image. */
export interface FeatureMoments {
  /** Names the extractor that made the features; only moments of the same extractor may meet. */
  readonly extractor: string;
  /** d, the length of a feature vector. */
  readonly dimensions: number;
  readonly pooled: MomentSums;
  /** Present when accumulated with order 3. */
  readonly higher: ThirdOrderSums | undefined;
  /** Sums by class label (second order). Images without a class are in `pooled` only. */
  readonly groups: ReadonlyMap<number, MomentSums>;
}

export interface AccumulateOptions {
  /** d, the length of a feature vector. */
  readonly dimensions: number;
  /** 2 suffices for the Frechet distance and the classifier; the kernel distance needs 3. */
  readonly order: 2 | 3;
  /** `[n]`: the class label of each image; a negative label means none. */
  readonly groups?: Int32Array;
  readonly extractor?: string;
}

/**
 * Sums the moments of features, in float64.
 * @param features `[n, d]`, row by row.
 * @throws RangeError if the lengths do not agree or a feature is not finite.
 */
export function accumulateMoments(features: Float32Array, options: AccumulateOptions): FeatureMoments {
  const { dimensions, order, groups: labels, extractor = '' } = options;
  const count = checkedCount(features, options);
  const pooled = new MutableSums(dimensions);
  const higher = order === 3 ? new MutableThirdOrder(dimensions) : undefined;
  const groups = new Map<number, MutableSums>();
  for (let row = 0; row < count; row++) {
    const x = Float64Array.from(features.subarray(row * dimensions, (row + 1) * dimensions));
    pooled.add(x);
    higher?.add(x);
    const label = labels?.[row] ?? -1;
    if (label >= 0) groupOf(groups, label, dimensions).add(x);
  }
  return { extractor, dimensions, pooled, higher, groups: sortedByLabel(groups) };
}

function checkedCount(features: Float32Array, { dimensions, groups }: AccumulateOptions): number {
  if (!Number.isInteger(dimensions) || dimensions < 1)
    throw new RangeError(`dimensions must be a positive integer, not ${dimensions}`);
  const count = features.length / dimensions;
  if (!Number.isInteger(count)) throw new RangeError(`${features.length} features are not rows of ${dimensions}`);
  if (groups && groups.length !== count) throw new RangeError(`${groups.length} labels for ${count} feature vectors`);
  const bad = features.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new RangeError(`feature ${bad % dimensions} of vector ${Math.floor(bad / dimensions)} is not finite`);
  return count;
}

function groupOf(groups: Map<number, MutableSums>, label: number, dimensions: number): MutableSums {
  const sums = groups.get(label) ?? new MutableSums(dimensions);
  groups.set(label, sums);
  return sums;
}

/** Label order, so that equal moments have equal bytes. */
function sortedByLabel<Sums>(groups: ReadonlyMap<number, Sums>): Map<number, Sums> {
  return new Map([...groups].sort(([a], [b]) => a - b));
}

class MutableSums implements MomentSums {
  count = 0;
  readonly first: Float64Array;
  readonly second: Float64Array;

  constructor(dimensions: number) {
    this.first = new Float64Array(dimensions);
    this.second = new Float64Array(packedPairs(dimensions));
  }

  add(x: Float64Array): void {
    this.count++;
    addInto(this.first, x);
    addOuterPairs(this.second, x);
  }
}

class MutableThirdOrder implements ThirdOrderSums {
  readonly third: Float64Array;
  normFourth = 0;
  normSixth = 0;

  constructor(dimensions: number) {
    this.third = new Float64Array(packedTriples(dimensions));
  }

  add(x: Float64Array): void {
    const normSquared = x.reduce((sum, value) => sum + value * value, 0);
    addOuterTriples(this.third, x);
    this.normFourth += normSquared ** 2;
    this.normSixth += normSquared ** 3;
  }
}

function addInto(sums: Float64Array, values: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (values[i] ?? 0);
}
