import { describe, expect, it } from '@jest/globals';
import { randomStream } from '@tributary/random';
import { accumulateMoments } from '../moments/feature-moments.js';
import { poolMoments } from '../moments/pool-moments.js';
import { accuracy, confusionOf } from './confusion.js';
import { classify } from './discriminant.js';
import { expectedConfusion } from './expected-confusion.js';
import { fitDiscriminant } from './fit-discriminant.js';

const dimensions = 6;
const labels = [0, 1, 2];

/** Gaussian features whose classes overlap: centres one apart, unit variance, skewed by a fixed mixing. */
function drawClass(label: number, count: number, stream: string): Float32Array {
  const random = randomStream(11, stream, label);
  const features = new Float32Array(count * dimensions);
  random.fillNormal(features);
  return features.map(
    (value, at) => value + (at % dimensions === label ? 2 : 0) + 0.4 * (features[at - (at % dimensions)] ?? 0),
  );
}

function momentsOf(count: number, stream: string) {
  return poolMoments(
    labels.map((label) =>
      accumulateMoments(drawClass(label, count, stream), {
        dimensions,
        order: 2,
        groups: new Int32Array(count).fill(label),
      }),
    ),
  );
}

describe('expectedConfusion', () => {
  const discriminant = fitDiscriminant(momentsOf(300, 'train'), { kind: 'linear', shrinkage: 0.05 });

  it('comes within three points of the counted accuracy on images it never saw', () => {
    const random = randomStream(1, 'draws');
    const counted = labels.map((label) => {
      const features = drawClass(label, 300, 'held-out');
      return accuracy(confusionOf(new Int32Array(300).fill(label), classify(discriminant, features)));
    });
    const expected = accuracy(
      expectedConfusion(discriminant, momentsOf(300, 'held-out'), { normal: () => random.normal(), drawsPerImage: 10 }),
    );
    const meanCounted = counted.reduce((sum, value) => sum + value, 0) / labels.length;
    expect(meanCounted).toBeLessThan(0.95);
    expect(Math.abs(expected - meanCounted)).toBeLessThan(0.03);
  });

  it('draws as many of each class as there are images', () => {
    const random = randomStream(2, 'draws');
    const confusion = expectedConfusion(discriminant, momentsOf(5, 'few'), {
      normal: () => random.normal(),
      drawsPerImage: 4,
    });
    for (const label of labels) {
      const drawn = confusion.filter(({ actual }) => actual === label).reduce((sum, { count }) => sum + count, 0);
      expect(drawn).toBe(20);
    }
  });

  it('is certain where classes do not vary', () => {
    const still = labels.map((label) => {
      const features = Float32Array.from({ length: 2 * dimensions }, (_, at) => (at % dimensions === label ? 9 : 0));
      return accumulateMoments(features, { dimensions, order: 2, groups: Int32Array.of(label, label) });
    });
    const moments = poolMoments(still);
    const confusion = expectedConfusion(fitDiscriminant(moments, { kind: 'linear', shrinkage: 1 }), moments, {
      normal: () => 1,
      drawsPerImage: 3,
    });
    expect(accuracy(confusion)).toBe(1);
  });
});
