import { describe, expect, it } from '@jest/globals';
import { accumulateMoments } from '../moments/feature-moments.js';
import { poolMoments } from '../moments/pool-moments.js';
import { plainColumns, sampleFeatures } from '../moments/sample-features.spec-support.js';
import { classify, discriminantSchema } from './discriminant.js';
import { fitDiscriminant } from './fit-discriminant.js';

const dimensions = 3;
const perClass = 20;
const classMoments = [0, 1, 2].map((label) => {
  const columns = { scale: [1 + label * 0.8, 1, 1 - label * 0.4], shift: [label * 0.1, 0, -label * 0.3] };
  const features = sampleFeatures(10 + label, perClass, columns);
  return accumulateMoments(features, { dimensions, order: 2, groups: new Int32Array(perClass).fill(label) });
});
const moments = poolMoments(classMoments);
const probes = sampleFeatures(99, 36, { scale: [2.5, 1, 1.5], shift: [-0.2, 0, -0.4] });

describe('discriminant', () => {
  // scikit-learn 1.9.1, equal priors, the same numbers: LinearDiscriminantAnalysis(solver='lsqr'), QuadraticDiscriminantAnalysis()
  it.each([
    ['linear' as const, '110000011001110010111101000100210000'],
    ['quadratic' as const, '100000011001110010111000010100110000'],
  ])('decides like scikit-learn without regularisation (%s)', (kind, expected) => {
    const fitted = fitDiscriminant(moments, { kind, shrinkage: 0, pooling: 0 });
    expect([...classify(fitted, probes)].join('')).toBe(expected);
  });

  it('decides the same after a journey as JSON', () => {
    const fitted = fitDiscriminant(moments, { kind: 'quadratic', shrinkage: 0.2 });
    const received = discriminantSchema.parse(JSON.parse(JSON.stringify(fitted)));
    expect(classify(received, probes)).toEqual(classify(fitted, probes));
  });

  it('equals the linear one when every covariance is fully pooled', () => {
    const linear = fitDiscriminant(moments, { kind: 'linear', shrinkage: 0.1 });
    const pooled = fitDiscriminant(moments, { kind: 'quadratic', shrinkage: 0.1, pooling: 1 });
    expect(classify(pooled, probes)).toEqual(classify(linear, probes));
  });

  it('works with fewer images than dimensions and a feature that never varies', () => {
    const wide = 10;
    const parts = [0, 1].map((label) => {
      const features = sampleFeatures(5 + label, 4, plainColumns(wide)).map((value, at) =>
        at % wide === 3 ? 1 : value + label,
      );
      return accumulateMoments(features, { dimensions: wide, order: 2, groups: new Int32Array(4).fill(label) });
    });
    const fitted = fitDiscriminant(poolMoments(parts), { kind: 'linear', shrinkage: 0.3 });
    const probe = (label: number) => Float32Array.from({ length: wide }, (_, i) => (i === 3 ? 1 : 0.5 + label));
    expect([...classify(fitted, probe(0)), ...classify(fitted, probe(1))]).toEqual([0, 1]);
  });

  it('refuses one class, shares outside 0..1 and features of another length', () => {
    const options = { kind: 'linear' as const, shrinkage: 0 };
    expect(() => fitDiscriminant(poolMoments(classMoments.slice(0, 1)), options)).toThrow('two classes');
    expect(() => fitDiscriminant(moments, { ...options, shrinkage: 1.5 })).toThrow('shrinkage');
    expect(() => fitDiscriminant(moments, { ...options, pooling: NaN })).toThrow('pooling');
    expect(() => classify(fitDiscriminant(moments, options), Float32Array.of(1, 2))).toThrow('rows of 3');
  });
});
