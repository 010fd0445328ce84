import { describe, expect, it } from '@jest/globals';
import { samplersFor } from '@tributary/protocol/samplers';
import { samplingOf, samplingsFor } from './samplings.js';

describe('the samplings of a process', () => {
  it('hold every sampler that fits it, and the thousand moves of its paper only with DDPM', () => {
    expect(new Set(samplingsFor('ncsn').map(({ sampler }) => sampler))).toEqual(new Set(samplersFor('ncsn')));
    expect(samplingsFor('ddpm').at(-1)).toMatchObject({ name: 'ddpm-1000', evaluations: 1000 });
    expect(samplingsFor('edm').every(({ evaluations }) => (evaluations ?? 0) < 1000)).toBe(true);
  });

  it('are named by sampler, settings and steps, and count the calls of the network', () => {
    expect(samplingOf({ sampler: 'pc', steps: 50, settings: { corrector: 'none' } })).toMatchObject({
      name: 'pc-none-50',
      evaluations: 50,
    });
    expect(samplingOf({ sampler: 'pc', steps: 50, settings: {} })).toMatchObject({ name: 'pc-50', evaluations: 100 });
  });
});
