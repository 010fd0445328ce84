import { describe, expect, it } from '@jest/globals';
import { QUALITY_CASES } from './quality-cases.js';
import type { QualityRecord } from './quality-folder.js';
import { qualityTable } from './quality-table.js';
import { samplingOf, samplingsFor } from './samplings.js';

const SCORE = { images: 10, fd: 0.5, kid: 0.25, fdToMean: 1, fdToNoise: 2, noisy: 0, smooth: 0, seconds: 5 };
const plan = QUALITY_CASES.map((qualityCase) => ({ qualityCase, samplings: samplingsFor(qualityCase.process.kind) }));

function scored(name: string, choice: Parameters<typeof samplingOf>[0]): QualityRecord {
  return { kind: 'sampling', case: name, ...samplingOf(choice), ...SCORE };
}

describe('the table of trained quality', () => {
  it('has the samplings of each training together, quickest first, whatever order they were made in', () => {
    const records: QualityRecord[] = [
      { kind: 'reference', name: 'noise', ...SCORE, fd: 2, kid: 1, fdToNoise: 0, noisy: 1 },
      { kind: 'training', case: 'edm', loss: 0.2, seconds: 60 },
      scored('vp-epsilon', { sampler: 'ddim', steps: 20, settings: {} }),
      scored('edm', { sampler: 'ode', steps: 2, settings: {} }),
      scored('edm', { sampler: 'heun', steps: 9, settings: {} }),
    ];
    const table = qualityTable(records, plan);
    expect(table.split('\n').filter((line) => line.startsWith('| '))).toEqual([
      '| reference | FD | KID | verdict |',
      '| --- | --- | --- | --- |',
      '| noise | 2.0000 | 1.0000 | noise |',
      '| training | last loss | minutes |',
      '| --- | --- | --- |',
      '| edm | 0.200 | 1.0 |',
      '| training | sampler | steps | evaluations | FD | KID | verdict | images/s |',
      '| --- | --- | --- | --- | --- | --- | --- | --- |',
      '| edm | heun | 9 | 17 | 0.5000 | 0.2500 | better | 2.0 |',
      '| edm | ode | adaptive |  | 0.5000 | 0.2500 | better | 2.0 |',
      '| vp-epsilon | ddim | 20 | 20 | 0.5000 | 0.2500 | better | 2.0 |',
    ]);
  });
});
