import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openQualityFolder, samplingsOf, trainingOf, type QualityRecord } from './quality-folder.js';
import { samplingOf } from './samplings.js';

const SETTINGS = { trainSteps: 5 };
const SCORES = { images: 8, fd: 0.5, kid: 0.1, fdToMean: 1, fdToNoise: 2, noisy: 0, smooth: 0 };
const TRAINING: QualityRecord = { kind: 'training', case: 'edm', loss: 0.2, seconds: 3 };
const SAMPLING: QualityRecord = {
  kind: 'sampling',
  case: 'edm',
  seconds: 1,
  ...samplingOf({ sampler: 'pc', steps: 30, settings: { corrector: 'none' } }),
  ...SCORES,
};

describe('the folder of a bench of quality', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quality-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('has what was finished when it is opened again, and the weights and images', async () => {
    const folder = await openQualityFolder(directory, SETTINGS);
    expect(folder.records).toEqual([]);
    await folder.add(TRAINING);
    await folder.add(SAMPLING);
    await folder.writeFloats('edm', Float32Array.of(1.5, -2));
    const again = await openQualityFolder(directory, SETTINGS);
    expect(again.records).toEqual([TRAINING, SAMPLING]);
    expect(trainingOf(again.records, 'edm')).toEqual(TRAINING);
    expect(samplingsOf(again.records, 'edm')).toEqual([SAMPLING]);
    expect(samplingsOf(again.records, 'vp-epsilon')).toEqual([]);
    expect(await again.readFloats('edm')).toEqual(Float32Array.of(1.5, -2));
  });

  it('is refused with other settings, and keeps what it has', async () => {
    const folder = await openQualityFolder(directory, SETTINGS);
    await folder.add(TRAINING);
    await expect(openQualityFolder(directory, { trainSteps: 6 })).rejects.toThrow(/other settings/);
    expect((await openQualityFolder(directory, SETTINGS)).records).toEqual([TRAINING]);
  });
});
