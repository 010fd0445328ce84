import { describe, expect, it } from '@jest/globals';
import { referenceVectors } from '../reference-vectors.spec-support.js';
import { emaDecayAt, gammaOfWidth, type EmaDecay } from './ema-decay.js';
import { postHocWeights } from './post-hoc-ema.js';

type EmaVector = (typeof referenceVectors.ema)[number];

function decayOf({ config }: EmaVector): EmaDecay {
  if (config.use_ema_warmup !== true) return { kind: 'constant', decay: config.decay };
  return {
    kind: 'inverse-power',
    decay: config.decay,
    inverseGamma: config.inv_gamma ?? 1,
    power: config.power ?? 2 / 3,
  };
}

describe('decay of the average of weights', () => {
  it.each(referenceVectors.ema)('follows diffusers with $config', (vector) => {
    // diffusers starts to count after `update_after_step` updates.
    const skipped = vector.config.update_after_step ?? 0;
    let shadow = [1, -2];
    vector.steps.forEach((expected, i) => {
      const k = i + 1;
      const decay = emaDecayAt(decayOf(vector), Math.max(0, i - skipped));
      const weights = [1 + 0.1 * k, -2 + 0.05 * k ** 2];
      shadow = shadow.map((value, j) => decay * value + (1 - decay) * (weights[j] ?? NaN));
      expect(decay).toBeCloseTo(expected.decay, 10);
      shadow.forEach((value, j) => expect(value).toBeCloseTo(expected.shadow[j] ?? NaN, 9));
    });
  });

  it('has the exponents of Karras et al. 2024 for their widths', () => {
    expect(gammaOfWidth(0.05)).toBeCloseTo(16.97, 2);
    expect(gammaOfWidth(0.1)).toBeCloseTo(6.94, 2);
  });

  it.each([0, 0.28, NaN])('refuses the width %p', (width) => {
    expect(() => gammaOfWidth(width)).toThrow(RangeError);
  });

  it('gives the power-function average its profile', () => {
    // After many updates the weight of time t is proportional to t^gamma: its mean is (gamma + 1) / (gamma + 2).
    const gamma = 3;
    const steps = 2000;
    let meanTime = 0;
    for (let n = 0; n < steps; n++) {
      const decay = emaDecayAt({ kind: 'power-function', gamma }, n);
      meanTime = decay * meanTime + (1 - decay) * (n / steps);
    }
    expect(meanTime).toBeCloseTo((gamma + 1) / (gamma + 2), 3);
  });

  it('refuses a negative count', () => {
    expect(() => emaDecayAt({ kind: 'constant', decay: 0.9 }, -1)).toThrow(RangeError);
  });
});

describe('post-hoc reconstruction', () => {
  /** Power-function averages of w(t) = sin(6 t / steps) at chosen steps. */
  function averages(gamma: number, at: readonly number[], steps: number): number[] {
    let average = 0;
    const taken: number[] = [];
    for (let n = 0; n < steps; n++) {
      const decay = emaDecayAt({ kind: 'power-function', gamma }, n);
      average = decay * average + (1 - decay) * Math.sin((6 * (n + 1)) / steps);
      if (at.includes(n + 1)) taken.push(average);
    }
    return taken;
  }

  it('makes the average of another width from those that were stored', () => {
    const steps = 4000;
    const at = Array.from({ length: 16 }, (_, i) => ((i + 1) * steps) / 16);
    const gammas = [gammaOfWidth(0.05), gammaOfWidth(0.1)];
    const snapshots = gammas.flatMap((gamma) => at.map((step) => ({ step, gamma })));
    const stored = gammas.flatMap((gamma) => averages(gamma, at, steps));
    const wanted = gammaOfWidth(0.15);
    const weights = postHocWeights(snapshots, { step: steps, gamma: wanted });
    const rebuilt = stored.reduce((sum, value, i) => sum + value * (weights[i] ?? NaN), 0);
    expect(rebuilt).toBeCloseTo(averages(wanted, [steps], steps)[0] ?? NaN, 2);
  });

  it('finds a stored average itself', () => {
    const snapshots = [
      { step: 100, gamma: 5 },
      { step: 200, gamma: 5 },
      { step: 200, gamma: 12 },
    ];
    const weights = postHocWeights(snapshots, { step: 200, gamma: 5 });
    expect(weights[0]).toBeCloseTo(0, 9);
    expect(weights[1]).toBeCloseTo(1, 9);
    expect(weights[2]).toBeCloseTo(0, 9);
  });

  it('refuses no snapshots', () => {
    expect(() => postHocWeights([], { step: 1, gamma: 1 })).toThrow(RangeError);
  });
});
