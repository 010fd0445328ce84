import type { FeatureMoments, MomentSums, ThirdOrderSums } from './feature-moments.js';

/**
 * The moments of all sites together, as if their features had been accumulated in one place.
 * Floating-point addition does not associate: hand the sites over in a fixed order (by id) for the same bits every time.
 * Third-order sums are kept only if every part has them.
 * @throws RangeError if there is nothing to pool, or extractors or dimensions differ.
 */
export function poolMoments(parts: readonly FeatureMoments[]): FeatureMoments {
  const [head] = parts;
  if (!head) throw new RangeError('no moments to pool');
  for (const part of parts) checkCompatible(head, part);
  const higher = parts.map((part) => part.higher).filter((sums) => sums !== undefined);
  return {
    extractor: head.extractor,
    dimensions: head.dimensions,
    pooled: addSums(parts.map((part) => part.pooled)),
    higher: higher.length === parts.length ? addThirdOrder(higher) : undefined,
    groups: mergeGroups(parts.flatMap((part) => [...part.groups])),
  };
}

/**
 * Merges class groups into coarser ones, e.g. (slab, lesion) classes into slabs.
 * @param target the new label of a group; undefined leaves the group out (its images stay in the pooled sums).
 */
export function regroupMoments(moments: FeatureMoments, target: (label: number) => number | undefined): FeatureMoments {
  const relabelled = [...moments.groups].flatMap(([label, sums]): [number, MomentSums][] => {
    const merged = target(label);
    return merged === undefined ? [] : [[merged, sums]];
  });
  return { ...moments, groups: mergeGroups(relabelled) };
}

/**
 * Leaves out class groups until neither a group that stays nor the images that are in no group number fewer than `minimumCount`:
 * sums over a handful of images describe each of them, and what is in no group is the pooled sums less the groups.
 * The smallest groups go first; the pooled sums stay.
 * @throws RangeError if the pooled sums themselves are of fewer images.
 */
export function withoutSmallGroups(moments: FeatureMoments, minimumCount: number): FeatureMoments {
  const { count } = moments.pooled;
  if (count < minimumCount) throw new RangeError(`moments of ${count} images; at least ${minimumCount} are needed`);
  const kept = [...moments.groups].sort(([, a], [, b]) => b.count - a.count);
  const smallest = () => kept.at(-1)?.[1].count ?? Infinity;
  const ungrouped = () => kept.reduce((rest, [, sums]) => rest - sums.count, count);
  while (smallest() < minimumCount || (ungrouped() > 0 && ungrouped() < minimumCount)) kept.pop();
  return { ...moments, groups: new Map(kept.sort(([a], [b]) => a - b)) };
}

function checkCompatible(a: FeatureMoments, b: FeatureMoments): void {
  if (a.extractor !== b.extractor)
    throw new RangeError(`moments of extractor '${b.extractor}' cannot meet those of '${a.extractor}'`);
  if (a.dimensions !== b.dimensions)
    throw new RangeError(`moments of ${b.dimensions} dimensions cannot meet those of ${a.dimensions}`);
}

function mergeGroups(labelled: readonly (readonly [number, MomentSums])[]): Map<number, MomentSums> {
  const byLabel = new Map<number, MomentSums[]>();
  for (const [label, sums] of labelled) byLabel.set(label, [...(byLabel.get(label) ?? []), sums]);
  const merged = [...byLabel].map(([label, parts]): [number, MomentSums] => [label, addSums(parts)]);
  return new Map(merged.sort(([a], [b]) => a - b));
}

function addSums(parts: readonly MomentSums[]): MomentSums {
  return {
    count: parts.reduce((count, part) => count + part.count, 0),
    first: addVectors(parts.map((part) => part.first)),
    second: addVectors(parts.map((part) => part.second)),
  };
}

function addThirdOrder(parts: readonly ThirdOrderSums[]): ThirdOrderSums {
  return {
    third: addVectors(parts.map((part) => part.third)),
    normFourth: parts.reduce((sum, part) => sum + part.normFourth, 0),
    normSixth: parts.reduce((sum, part) => sum + part.normSixth, 0),
  };
}

function addVectors(parts: readonly Float64Array[]): Float64Array {
  const sums = new Float64Array(parts[0]?.length ?? 0);
  for (const part of parts) {
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (part[i] ?? 0);
  }
  return sums;
}
