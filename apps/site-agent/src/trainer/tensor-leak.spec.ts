import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createTrainer } from '@tributary/diffusion';
import { embeddingRows, RUN_FILE, runFileSchema } from '@tributary/protocol';
import { openEngine } from '@tributary/engines';
import * as tf from '@tensorflow/tfjs-core';
import { readFile } from 'node:fs/promises';
import { LocalEvaluation } from './local-evaluation.js';
import { LocalTraining, type LocalTrainingParts } from './local-training.js';
import { SiteImages } from './site-images.js';
import { phantomRecipe, TrainerRun, writePatients } from './trainer-run.spec-support.js';

describe('a trainer that stays up', () => {
  let images: string;
  let run: TrainerRun;
  beforeEach(async () => {
    images = await mkdtemp(join(tmpdir(), 'leak-'));
    await writePatients(images, 12);
    const recipe = phantomRecipe({ rounds: { ...phantomRecipe().rounds, localSteps: 1 } });
    run = await TrainerRun.create(images, { recipe });
  }, 60_000);
  afterEach(async () => {
    await run.remove();
    await rm(images, { recursive: true });
  });

  async function open(): Promise<LocalTrainingParts> {
    const file = runFileSchema.parse(JSON.parse(await readFile(join(run.folder, RUN_FILE), 'utf8')));
    const engine = await openEngine(file.engine);
    const classRows = embeddingRows(file.recipe, file.sites.length);
    const trainer = await createTrainer({ engine, recipe: file.recipe, classRows });
    return { run: file, runDirectory: run.folder, engine, trainer, images: await SiteImages.read(file) };
  }

  it('holds no more tensors after a round or an evaluation than before', async () => {
    const parts = await open();
    const training = new LocalTraining(parts);
    const evaluation = new LocalEvaluation(parts);
    const { signal } = new AbortController();
    const once = async (round: number): Promise<number> => {
      const weightsFile = 'global.safetensors';
      const folder = await run.trainTask(round);
      const part = { assignmentId: folder, round, countedRound: round - 1 };
      await training.train({ kind: 'train', ...part, weightsFile }, { folder, signal, onStep: () => undefined });
      const evaluated = await run.evaluateTask(round + 10);
      await evaluation.evaluate(
        { kind: 'evaluate', ...part, beforeFile: 'before', afterFile: 'after' },
        { folder: evaluated, signal, onProgress: () => undefined },
      );
      return tf.memory().numTensors;
    };
    // What is made once and kept (constants) shows in the first round only.
    const first = await once(1);
    expect(await once(2)).toBe(first);
    expect(await once(3)).toBe(first);
  }, 60_000);
});
