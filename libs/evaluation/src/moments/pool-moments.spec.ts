import { describe, expect, it } from '@jest/globals';
import { accumulateMoments, type FeatureMoments } from './feature-moments.js';
import { encodeMoments } from './moments-codec.js';
import { asOneGroup, poolMoments, regroupMoments, withoutSmallGroups } from './pool-moments.js';
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

  it('puts all images of a site into one group', () => {
    const { groups: site, pooled } = asOneGroup(momentsOf(0, 30), 2);
    expect(site.get(2)).toBe(pooled);
    expect(site.size).toBe(1);
  });
});

describe('withoutSmallGroups', () => {
  it('keeps only groups of at least so many images', () => {
    const kept = withoutSmallGroups(momentsOf(0, 8), 3);
    expect([...kept.groups].map(([label, sums]) => [label, sums.count])).toEqual([
      [0, 3],
      [1, 3],
    ]);
  });

  it('refuses to tell anything of too few images', () => {
    expect(() => withoutSmallGroups(momentsOf(0, 2), 3)).toThrow('at least 3');
  });
});
