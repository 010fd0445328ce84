import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { serverEmaSchema } from '@tributary/protocol/server-ema';
import { z } from 'zod';
import { emaDecayAt, type EmaDecay } from './ema-decay.js';
import { gammaOfWidth, roundShares } from './power-function.js';
import { serverAverages, widthOfVector } from './server-averages.js';

const emaVectorSchema = z.object({
  config: z.object({
    decay: z.number(),
    update_after_step: z.number().optional(),
    use_ema_warmup: z.boolean().optional(),
    inv_gamma: z.number().optional(),
    power: z.number().optional(),
  }),
  steps: z.array(z.object({ decay: z.number(), shadow: z.array(z.number()) })),
});
const referenceVectors = z
  .object({ ema: z.array(emaVectorSchema) })
  .parse(
    JSON.parse(readFileSync(join(import.meta.dirname, '../../../../test/vectors/diffusion-vectors.json'), 'utf8')),
  );

function decayOf({ config }: z.infer<typeof emaVectorSchema>): EmaDecay {
  if (config.use_ema_warmup !== true) return { kind: 'constant', decay: config.decay };
  const { decay, inv_gamma: inverseGamma = 1, power = 2 / 3 } = config;
  return { kind: 'inverse-power', decay, inverseGamma, power };
}

describe('decay of an average of weights', () => {
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

  it('refuses a negative count', () => {
    expect(() => emaDecayAt({ kind: 'constant', decay: 0.9 }, -1)).toThrow(RangeError);
  });
});

describe('power-function averages', () => {
  it('have the exponents of Karras et al. 2024 for their widths', () => {
    expect(gammaOfWidth(0.05)).toBeCloseTo(16.97, 2);
    expect(gammaOfWidth(0.1)).toBeCloseTo(6.94, 2);
  });

  it.each([0, 0.28, NaN])('refuse the width %p', (width) => {
    expect(() => gammaOfWidth(width)).toThrow(RangeError);
  });

  it.each([0.05, 0.1, 0.2])('of width %d spread over that share of the rounds', (width) => {
    const rounds = 2000;
    const shares = roundShares({ round: rounds, width }, rounds);
    const mean = (value: (time: number) => number): number =>
      shares.reduce((sum, share, i) => sum + share * value((i + 0.5) / rounds), 0);
    const centre = mean((time) => time);
    expect(mean(() => 1)).toBeCloseTo(1, 12);
    expect(Math.sqrt(mean((time) => (time - centre) ** 2))).toBeCloseTo(width, 5);
  });

  it('give each round the share that averaging round by round gives it', () => {
    const rounds = 40;
    const width = 0.13;
    const decay = (n: number): number => emaDecayAt({ kind: 'power-function', gamma: gammaOfWidth(width) }, n);
    let tracked = new Array<number>(rounds).fill(0);
    for (let n = 0; n < 25; n++) {
      tracked = tracked.map((share, i) => decay(n) * share + (i === n ? 1 - decay(n) : 0));
    }
    const shares = roundShares({ round: 25, width }, rounds);
    tracked.forEach((share, i) => expect(shares[i]).toBeCloseTo(share, 12));
  });
});

describe('the averages of a run', () => {
  const kept = (input: z.input<typeof serverEmaSchema>, roundIndex: number) =>
    serverAverages(serverEmaSchema.parse(input), roundIndex);

  it('are one with a constant decay, warmed up, when the recipe names only a decay', () => {
    expect(kept({ decay: 0.9 }, 0)).toEqual([{ name: null, decay: 0 }]);
    expect(kept({ decay: 0.9 }, 1)).toEqual([{ name: null, decay: 2 / 11 }]);
    expect(kept({ decay: 0.9 }, 1000)).toEqual([{ name: null, decay: 0.9 }]);
  });

  it('are one a width with power functions, the first to be released, the others by a name that tells their width', () => {
    const [released, other] = kept({ kind: 'power-function' }, 9);
    expect(released).toEqual({ name: null, decay: 0.9 ** (gammaOfWidth(0.1) + 1) });
    expect(other?.decay).toBeCloseTo(0.9 ** (gammaOfWidth(0.05) + 1), 12);
    expect(widthOfVector(other?.name ?? '')).toBe(0.05);
    expect(widthOfVector('momentum')).toBeNull();
  });
});
