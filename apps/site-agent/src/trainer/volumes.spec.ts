import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeSiteEvaluation } from '@tributary/evaluation';
import { RESULT_FILE } from '@tributary/protocol';
import { readParameterFile } from '@tributary/safetensors';
import { exampleRecipe } from '../example-recipe.spec-support.js';
import { TestTrainer, TrainerRun, writePatients } from './trainer-run.spec-support.js';

const PATIENTS = 40;
const CLASSES = ['left', 'right'];

describe('a run on volumes', () => {
  let images: string;
  let run: TrainerRun;
  let trainer: TestTrainer;
  beforeAll(async () => {
    images = await mkdtemp(join(tmpdir(), 'volumes-'));
    await writePatients(images, PATIENTS);
    const rows = Array.from(
      { length: PATIENTS },
      (_, i) => `miller-anna-${String(i + 1).padStart(4, '0')},*,${CLASSES[i % 2]}`,
    );
    await writeFile(join(images, 'labels.csv'), `patient,slice,class\n${rows.join('\n')}\n`);
    const recipe = exampleRecipe({
      image: { sizePx: 16, depthPx: 4, channels: 1 },
      classes: CLASSES,
      network: { kind: 'unet3d', blockOutChannels: [8], attention: [false], normGroups: 4 },
      rounds: { count: 2, localSteps: 3, batchSize: 2, quorum: 1 },
      evaluation: { sampler: 'ddim', steps: 4, samplesPerSite: 8 },
    });
    run = await TrainerRun.create(images, { recipe });
    trainer = new TestTrainer(run);
  }, 120_000);
  afterAll(async () => {
    trainer.child.kill('SIGKILL');
    await trainer.ended;
    await run.remove();
    await rm(images, { recursive: true });
  });

  it('reads a volume a patient', async () => {
    const { data } = await trainer.next('ready');
    expect(data).toMatchObject({
      images: PATIENTS,
      patients: PATIENTS,
      classes: { left: 20, right: 20 },
      problems: [],
    });
  }, 120_000);

  it('trains on them, and scores the volumes that it makes', async () => {
    const folder = await run.trainTask(1);
    const { report } = await trainer.perform(folder);
    expect(report).toMatchObject({ kind: 'train', steps: 3 });
    const { flat } = await readParameterFile(join(folder, RESULT_FILE));
    expect(flat.some((value) => value !== 0)).toBe(true);
    const evaluation = await run.evaluateTask(2);
    expect((await trainer.perform(evaluation)).report).toMatchObject({ kind: 'evaluate', syntheticImages: 8 });
    const { after, utility } = decodeSiteEvaluation(await readFile(join(evaluation, RESULT_FILE)));
    expect(after.features.length / after.labels.length).toBe(64);
    expect(utility).toBeNull();
  }, 120_000);
});
