import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { verdictOf, type AnchorScores } from './verdict.js';

interface Gaussian {
  readonly mean: number;
  readonly stddev: number;
}

const REAL: Gaussian = { mean: 0, stddev: 1 };
const NOISE: Gaussian = { mean: 6, stddev: 0.5 };
/** A mean image has no spread. */
const MEAN: Gaussian = { mean: 0, stddev: 0 };

/** Frechet distance of two Gaussians on a line, Dowson & Landau 1982: (m1 - m2)² + (s1 - s2)². */
function frechet(a: Gaussian, b: Gaussian): number {
  return (a.mean - b.mean) ** 2 + (a.stddev - b.stddev) ** 2;
}

function scoresOf(images: Gaussian, shares: Partial<AnchorScores> = {}): AnchorScores {
  return {
    fd: frechet(images, REAL),
    fdToMean: frechet(images, MEAN),
    fdToNoise: frechet(images, NOISE),
    noisy: 0,
    smooth: 0,
    ...shares,
  };
}

describe('the verdict on images whose features are Gaussian', () => {
  it('names each of the three references', () => {
    expect(verdictOf(scoresOf(REAL))).toBe('better');
    expect(verdictOf(scoresOf(MEAN))).toBe('blurred');
    expect(verdictOf(scoresOf(NOISE))).toBe('noise');
  });

  it('changes half-way between real images and the others', () => {
    const between = (a: Gaussian, b: Gaussian, share: number): Gaussian => ({
      mean: a.mean + share * (b.mean - a.mean),
      stddev: a.stddev + share * (b.stddev - a.stddev),
    });
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.49, noNaN: true }), (share) => {
        expect(verdictOf(scoresOf(between(REAL, MEAN, share)))).toBe('better');
        expect(verdictOf(scoresOf(between(MEAN, REAL, share)))).toBe('blurred');
        expect(verdictOf(scoresOf(between(NOISE, REAL, share)))).toBe('noise');
      }),
    );
  });

  it('is noise when more than one image in eight has the grain of noise, and blurred when half are smooth, however near the features', () => {
    expect(verdictOf(scoresOf(REAL, { noisy: 0.125, smooth: 0.49 }))).toBe('better');
    expect(verdictOf(scoresOf(REAL, { noisy: 0.126 }))).toBe('noise');
    expect(verdictOf(scoresOf(REAL, { smooth: 0.5 }))).toBe('blurred');
  });
});
