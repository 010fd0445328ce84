import { describe, expect, it } from '@jest/globals';
import { samplersFor } from '@tributary/protocol/samplers';
import { samplingsFor } from './quality-cases.js';
import { qualityTable } from './quality-table.js';

const SCORE = { images: 10, fd: 0.5, kid: 0.25, seconds: 5 };

describe('the table of trained quality', () => {
  it('has the samplings of each training together, quickest first, whatever order they were made in', () => {
    const table = qualityTable([
      { kind: 'reference', name: 'noise', images: 10, fd: 2, kid: 1 },
      { kind: 'training', case: 'edm', loss: 0.2, seconds: 60 },
      { kind: 'sampling', case: 'vp-epsilon', sampler: 'ddim', steps: 20, evaluations: 20, ...SCORE },
      { kind: 'sampling', case: 'edm', sampler: 'ode', steps: 2, evaluations: null, ...SCORE },
      { kind: 'sampling', case: 'edm', sampler: 'heun', steps: 9, evaluations: 17, ...SCORE },
    ]);
    expect(table.split('\n').filter((line) => line.startsWith('| '))).toEqual([
      '| reference | FD | KID |',
      '| --- | --- | --- |',
      '| noise | 2.0000 | 1.0000 |',
      '| training | last loss | minutes |',
      '| --- | --- | --- |',
      '| edm | 0.200 | 1.0 |',
      '| training | sampler | steps | evaluations | FD | KID | images/s |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      '| edm | heun | 9 | 17 | 0.5000 | 0.2500 | 2.0 |',
      '| edm | ode | adaptive |  | 0.5000 | 0.2500 | 2.0 |',
      '| vp-epsilon | ddim | 20 | 20 | 0.5000 | 0.2500 | 2.0 |',
    ]);
  });
});

describe('the samplings of a process', () => {
  it('hold every sampler that fits it, and the thousand moves of its paper only with DDPM', () => {
    expect(new Set(samplingsFor('ncsn').map(({ sampler }) => sampler))).toEqual(new Set(samplersFor('ncsn')));
    expect(samplingsFor('ddpm').at(-1)).toEqual({ sampler: 'ddpm', steps: 1000, evaluations: 1000 });
    expect(samplingsFor('edm').every(({ evaluations }) => (evaluations ?? 0) < 1000)).toBe(true);
  });
});
