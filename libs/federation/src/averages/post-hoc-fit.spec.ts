import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { emaDecayAt } from './ema-decay.js';
import { PostHocFit } from './post-hoc-fit.js';
import { gammaOfWidth, type PowerFunctionAverage } from './power-function.js';

/** An average of `history`, tracked round by round. */
function tracked(history: readonly number[], { round, width }: PowerFunctionAverage): number {
  const gamma = gammaOfWidth(width);
  return history.slice(0, round).reduce((average, weight, n) => {
    const decay = emaDecayAt({ kind: 'power-function', gamma }, n);
    return decay * average + (1 - decay) * weight;
  }, 0);
}

/** A deterministic walk: weights move far early and little late, with noise that averages take away. */
function walk(rounds: number): number[] {
  let noise = 12345;
  return Array.from({ length: rounds }, (_, i) => {
    noise = (noise * 1103515245 + 12345) % 2 ** 31;
    return Math.sin((6 * i) / rounds) + (noise / 2 ** 31 - 0.5) / 4;
  });
}

function everyFourth(rounds: number, widths: readonly number[]): PowerFunctionAverage[] {
  const at = Array.from({ length: rounds / 4 }, (_, i) => 4 * (i + 1));
  return widths.flatMap((width) => at.map((round) => ({ round, width })));
}

describe('an average that is put together afterwards', () => {
  it.each([0.03, 0.075, 0.15, 0.2])('of width %d is the one that was tracked, as far as the residual says', (width) => {
    const history = walk(100);
    const stored = everyFourth(100, [0.1, 0.05]);
    const wanted = { round: 100, width };
    const { weights, residual } = new PostHocFit(stored, wanted.round).fit(wanted.width);
    const rebuilt = stored.reduce((sum, average, i) => sum + (weights[i] ?? NaN) * tracked(history, average), 0);
    const bound = residual * Math.hypot(...history);
    expect(residual).toBeLessThan(0.02);
    expect(Math.abs(rebuilt - tracked(history, wanted))).toBeLessThan(bound);
  });

  it('fits better with two widths than with one at twice as many rounds, as in the paper', () => {
    const everyEighth = everyFourth(160, [0.1, 0.05]).filter(({ round }) => round % 8 === 0);
    const two = new PostHocFit(everyEighth, 160).fit(0.15);
    const one = new PostHocFit(everyFourth(160, [0.1]), 160).fit(0.15);
    expect(two.residual).toBeLessThan(one.residual / 2);
  });

  it('is exact when the weights of every round can be told from what is stored', () => {
    const history = walk(30);
    const stored = Array.from({ length: 30 }, (_, i) => [0.1, 0.05].map((width) => ({ round: i + 1, width }))).flat();
    const { weights, residual } = new PostHocFit(stored, 30).fit(0.25);
    const rebuilt = stored.reduce((sum, average, i) => sum + (weights[i] ?? NaN) * tracked(history, average), 0);
    expect(residual).toBeLessThan(1e-5);
    expect(rebuilt).toBeCloseTo(tracked(history, { round: 30, width: 0.25 }), 5);
    expect(weights.reduce((sum, weight) => sum + Math.abs(weight), 0)).toBeLessThan(20);
  });

  const storedAverages = fc.uniqueArray(
    fc.record({ round: fc.integer({ min: 1, max: 60 }), width: fc.constantFrom(0.05, 0.1, 0.2) }),
    { minLength: 1, maxLength: 12, selector: ({ round, width }) => `${round} ${width}` },
  );

  it('is a stored one itself, bit for bit, where that was wanted', () => {
    fc.assert(
      fc.property(storedAverages, fc.nat(), (stored, pick) => {
        const wanted = stored[pick % stored.length] ?? { round: 1, width: 0.1 };
        const earlier = stored.filter(({ round }) => round <= wanted.round);
        const { weights, residual } = new PostHocFit(earlier, wanted.round).fit(wanted.width);
        expect(residual).toBe(0);
        expect(earlier.filter((_, i) => weights[i] !== 0)).toEqual([wanted]);
      }),
    );
  });

  it('leaves weights that did not change as they are, whatever is stored', () => {
    fc.assert(
      fc.property(storedAverages, fc.double({ min: 0.02, max: 0.27, noNaN: true }), (stored, width) => {
        const round = Math.max(...stored.map((average) => average.round));
        const { weights } = new PostHocFit(stored, round).fit(width);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
      }),
    );
  });

  it('needs something that is stored, and nothing later', () => {
    expect(() => new PostHocFit([], 1)).toThrow(RangeError);
    expect(() => new PostHocFit([{ round: 2, width: 0.1 }], 1)).toThrow(RangeError);
  });
});
