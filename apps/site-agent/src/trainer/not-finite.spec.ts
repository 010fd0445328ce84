import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTrainer, type Trainer } from '@tributary/diffusion';
import { embeddingRows, RUN_FILE, runFileSchema, TributaryError } from '@tributary/protocol';
import { openEngine } from '@tributary/engines';
import { LocalTraining } from './local-training.js';
import { SiteImages } from './site-images.js';
import { phantomRecipe, TrainerRun, writePatients } from './trainer-run.spec-support.js';
import { numberOf, readTrainingState } from './training-state-file.js';

/** A trainer whose step `failing` (counted from 0) comes to no number. */
function failingAt(trainer: Trainer, failing: number): Trainer {
  return {
    ...trainer,
    step: async (step) => {
      if (step.globalStep !== failing) return trainer.step(step);
      throw new TributaryError('TRAIN_NOT_FINITE', { detail: `at step ${failing}`, step: failing });
    },
  };
}

describe('a training that comes to no number', () => {
  let images: string;
  let run: TrainerRun;
  beforeEach(async () => {
    images = await mkdtemp(join(tmpdir(), 'not-finite-'));
    await writePatients(images, 12);
    const { rounds } = phantomRecipe();
    run = await TrainerRun.create(images, { recipe: phantomRecipe({ rounds: { ...rounds, localSteps: 6 } }) });
  }, 60_000);
  afterEach(async () => {
    await run.remove();
    await rm(images, { recursive: true });
  });

  it('stops with the step, and keeps the last good checkpoint', async () => {
    const file = runFileSchema.parse(JSON.parse(await readFile(join(run.folder, RUN_FILE), 'utf8')));
    const engine = await openEngine(file.engine);
    const classRows = embeddingRows(file.recipe, file.sites.length);
    const trainer = await createTrainer({ engine, recipe: file.recipe, classRows });
    const parts = { run: file, runDirectory: run.folder, engine, images: await SiteImages.read(file) };
    const training = new LocalTraining({ ...parts, trainer: failingAt(trainer, 5) });
    const folder = await run.trainTask(1);
    const part = { assignmentId: folder, round: 1, countedRound: 0 };
    const task = { kind: 'train' as const, ...part, weightsFile: 'global.safetensors' };
    const options = { folder, signal: new AbortController().signal, onStep: () => undefined };

    await expect(training.train(task, options)).rejects.toMatchObject({
      code: 'TRAIN_NOT_FINITE',
      context: { step: 5 },
    });
    const kept = await readTrainingState(join(folder, 'checkpoint.safetensors'));
    expect(kept && numberOf(kept, 'steps')).toBe(4);
    expect(kept?.vectors['weights']?.every(Number.isFinite)).toBe(true);
    await trainer.dispose();
    await engine.dispose();
  }, 60_000);
});
