import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accumulateMoments, type FeatureMoments } from './feature-moments.js';
import { encodeMoments } from './moments-codec.js';
import { poolMoments, regroupMoments, withoutSmallGroups } from './pool-moments.js';
import { plainColumns, sampleFeatures } from './sample-features.spec-support.js';

const dimensions = 4;
const features = sampleFeatures(3, 30, plainColumns(dimensions));
const groups = Int32Array.from({ length: 30 }, (_, image) => image % 3);

function momentsOf(from: number, to: number): FeatureMoments {
  return accumulateMoments(features.subarray(from * dimensions, to * dimensions), {
    dimensions,
    order: 3,
    groups: groups.subarray(from, to),
    extractor: 'e',
  });
}

describe('poolMoments', () => {
  it('gives what one place with all features would', () => {
    const pooled = encodeMoments(poolMoments([momentsOf(0, 7), momentsOf(7, 8), momentsOf(8, 30)]));
    const central = encodeMoments(momentsOf(0, 30));
    expect(pooled.header).toEqual(central.header);
    expect(pooled.values.length).toBe(central.values.length);
    pooled.values.forEach((value, at) => expect(value).toBeCloseTo(central.values[at] ?? NaN, 10));
  });

  it('drops third-order sums that one site does not have', () => {
    const secondOrder = accumulateMoments(features, { dimensions, order: 2, extractor: 'e' });
    expect(poolMoments([momentsOf(0, 30), secondOrder]).higher).toBeUndefined();
  });

  it('leaves its parts as they were', () => {
    const part = momentsOf(0, 5);
    const before = encodeMoments(part);
    poolMoments([part, part]);
    expect(encodeMoments(part)).toEqual(before);
  });

  it('refuses moments of different extractors or dimensions, and none at all', () => {
    const other = accumulateMoments(features, { dimensions, order: 2, extractor: 'f' });
    const wider = accumulateMoments(features, { dimensions: 5, order: 2, extractor: 'e' });
    expect(() => poolMoments([momentsOf(0, 3), other])).toThrow("extractor 'f'");
    expect(() => poolMoments([momentsOf(0, 3), wider])).toThrow('5 dimensions');
    expect(() => poolMoments([])).toThrow('no moments');
  });
});

describe('regroupMoments', () => {
  it('adds up classes that get one label and leaves out those that get none', () => {
    const regrouped = regroupMoments(momentsOf(0, 30), (label) => (label === 1 ? undefined : 9));
    expect([...regrouped.groups.keys()]).toEqual([9]);
    expect(regrouped.groups.get(9)?.count).toBe(20);
    expect(regrouped.pooled.count).toBe(30);
  });
});

describe('withoutSmallGroups', () => {
  /** Moments of groups of the given sizes, and of `ungrouped` images besides. */
  function groupsOf(sizes: number[], ungrouped: number): FeatureMoments {
    const labels = [
      ...sizes.flatMap((size, label) => Array.from({ length: size }, () => label)),
      ...Array.from({ length: ungrouped }, () => -1),
    ];
    return accumulateMoments(new Float32Array(labels.length), {
      dimensions: 1,
      order: 2,
      groups: Int32Array.from(labels),
    });
  }

  it('keeps everything when every group and the rest are large enough', () => {
    expect([...withoutSmallGroups(groupsOf([5, 9], 5), 5).groups.keys()]).toEqual([0, 1]);
    expect([...withoutSmallGroups(groupsOf([5, 9], 0), 5).groups.keys()]).toEqual([0, 1]);
  });

  it('does not let a left-out group be had by subtraction', () => {
    const { groups, pooled } = withoutSmallGroups(groupsOf([9, 2, 6], 0), 5);
    expect([...groups.keys()]).toEqual([0]);
    expect(pooled.count).toBe(17);
  });

  it('never leaves a small group or a small rest, and keeps all that is large if it need not', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 8 });
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 1, max: 6 }),
        (drawn, ungrouped, minimum) => {
          const moments = groupsOf(drawn, ungrouped);
          fc.pre(moments.pooled.count >= minimum);
          const kept = [...withoutSmallGroups(moments, minimum).groups.values()].map(({ count }) => count);
          const rest = kept.reduce((left, count) => left - count, moments.pooled.count);
          expect(kept.every((count) => count >= minimum)).toBe(true);
          expect(rest === 0 || rest >= minimum).toBe(true);
          const large = drawn.filter((count) => count >= minimum).length;
          expect(kept.length).toBeGreaterThanOrEqual(large - 1);
        },
      ),
    );
  });

  it('refuses to tell anything of too few images', () => {
    expect(() => withoutSmallGroups(groupsOf([2], 0), 3)).toThrow('at least 3');
  });
});
