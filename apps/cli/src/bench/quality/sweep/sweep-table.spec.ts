import { describe, expect, it } from '@jest/globals';
import type { QualityRecord } from '../quality-folder.js';
import { samplingOf } from '../samplings.js';
import { sweepTable } from './sweep-table.js';

const DDIM = samplingOf({ sampler: 'ddim', steps: 20, settings: {} });
const LANGEVIN = samplingOf({ sampler: 'langevin', steps: 40, settings: {} });
const VE = {
  name: 've-score',
  process: { kind: 've' },
  objective: { prediction: 'score' },
  alike: ['ve-epsilon'],
} as const;
const VP = { name: 'vp-score', process: { kind: 'vp' }, objective: { prediction: 'score' } } as const;
const plan = [
  { qualityCase: VP, samplings: [DDIM] },
  { qualityCase: VE, samplings: [DDIM, LANGEVIN] },
];

const GOOD = { images: 8, fd: 0.1, kid: 0.01, fdToMean: 0.4, fdToNoise: 1.2, noisy: 0, smooth: 0 };

describe('the table of a sweep', () => {
  it('has a row a training with its other names, marks what is not better, and tells what is missing from what does not fit', () => {
    const records: QualityRecord[] = [
      { kind: 'reference', name: 'noise', ...GOOD, fd: 1.2, fdToNoise: 0 },
      { kind: 'training', case: 've-score', loss: 0.25, seconds: 9 },
      { kind: 'sampling', case: 've-score', ...DDIM, ...GOOD, smooth: 0.75, seconds: 1 },
      { kind: 'sampling', case: 've-score', ...LANGEVIN, ...GOOD, noisy: 0.5, seconds: 1 },
    ];
    const lines = sweepTable(records, plan).split('\n');
    expect(lines.slice(-3)).toEqual([
      '| --- | --- | --- | --- |',
      '| vp-score | … | … |  |',
      '| ve-score<br>ve-epsilon | 0.250 | 0.100 / 0.0100 blurred | 0.100 / 0.0100 **noise** |',
    ]);
    expect(lines).toContain(
      '3 choices of process and objective, 2 of them different trainings; 2 of 3 samplings scored: 0 better than noise, 1 blurred, 1 noise.',
    );
    expect(lines).toContain('| noise | 1.2000 | 0.0100 | noise |');
  });
});
