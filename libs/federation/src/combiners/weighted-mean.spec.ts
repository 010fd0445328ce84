import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { combineAll, describeCombiner, float32, site, updatesArbitrary } from './combiner.spec-support.js';
import { equalShares, imageShares, normalisedAveraging, stalenessDiscount, weightedMean } from './weighted-mean.js';

const fedavg = weightedMean('fedavg', imageShares);
const fednova = weightedMean('fednova', normalisedAveraging);

describeCombiner('FedAvg', fedavg, 1);
describeCombiner('plain mean', weightedMean('plain', equalShares), 1);
describeCombiner('FedNova with equal steps', fednova, 1);

describe('FedAvg', () => {
  it('weights updates by images: (30 * 2 + 10 * 6) / 40 = 3', () => {
    const sites = [site('a', { images: 30 }), site('b', { images: 10 })];
    expect(combineAll(fedavg, sites, [[2], [6]])).toEqual([3]);
  });

  it('equals the mean over all images had each been sent by itself', () => {
    const contributions = fc.array(fc.record({ images: fc.integer({ min: 1, max: 50 }), value: float32 }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(contributions, (parts) => {
        const everyImage = parts.flatMap(({ images, value }) => Array.from({ length: images }, () => value));
        const mean = everyImage.reduce((sum, value) => sum + value, 0) / everyImage.length;
        const sites = parts.map(({ images }, k) => site(`s${k}`, { images }));
        expect(
          combineAll(
            fedavg,
            sites,
            parts.map(({ value }) => [value]),
          )[0],
        ).toBeCloseTo(mean, 6);
      }),
    );
  });

  it('shares out the weight among those sites of a group alone', () => {
    const sites = [site('a', { images: 30 }), site('b', { images: 10 }), site('c', { images: 20 })];
    // (10 * 6 + 20 * 9) / 30 = 8.
    expect(combineAll(fedavg, sites, [[2], [6], [9]], [1, 2])).toEqual([8]);
  });

  it.each([{ images: 0 }, { images: -1 }, { images: NaN }, { images: Infinity }, { localSteps: 0 }, { staleness: -1 }])(
    'refuses a site with %p',
    (facts) => {
      expect(() => combineAll(fedavg, [site('a', facts)], [[1]])).toThrow(RangeError);
    },
  );
});

describe('FedNova', () => {
  it('undoes the pull of sites with more steps: tauEff 5 * (2 / 2 / 2 + 8 / 8 / 2) = 5', () => {
    // Both sites move 1 a step. Steps 2 and 8, equal images: tauEff = (2 + 8) / 2 = 5.
    const sites = [site('a', { localSteps: 2 }), site('b', { localSteps: 8 })];
    expect(combineAll(fednova, sites, [[2], [8]])).toEqual([5]);
    // FedAvg would give the same here; it differs once directions do: 5 * (2 / 2 - 8 / 8) / 2 = 0, FedAvg -3.
    expect(combineAll(fednova, sites, [[2], [-8]])).toEqual([0]);
    expect(combineAll(fedavg, sites, [[2], [-8]])).toEqual([-3]);
  });

  it('is FedAvg when all sites take as many steps', () => {
    fc.assert(
      fc.property(updatesArbitrary(2), fc.integer({ min: 1, max: 100 }), (updates, localSteps) => {
        const sites = updates.map((_, k) => site(`s${k}`, { images: 1 + k, localSteps }));
        const [a, b] = [combineAll(fednova, sites, updates), combineAll(fedavg, sites, updates)];
        for (const [i, value] of a.entries()) expect(value).toBeCloseTo(b[i] ?? NaN, 8);
      }),
    );
  });
});

describe('FedBuff', () => {
  it('discounts stale updates by (1 + staleness)^-1/2: (1 * 4 + 0.5 * 6) / 2 = 3.5', () => {
    const fedbuff = weightedMean('fedbuff', stalenessDiscount(0.5));
    const sites = [site('a', { staleness: 0, images: 1 }), site('b', { staleness: 3, images: 1000 })];
    expect(combineAll(fedbuff, sites, [[4], [6]])).toEqual([3.5]);
  });
});
