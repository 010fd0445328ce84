import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeSiteEvaluation } from '@tributary/evaluation';
import { federationSchema, RESULT_FILE, strategySchema } from '@tributary/protocol';
import { readParameterFile, writeParameterFile } from '@tributary/safetensors';
import { readTrainingState, writeTrainingState } from './training-state-file.js';
import { phantomRecipe, readTaskReport, TestTrainer, TrainerRun, writePatients } from './trainer-run.spec-support.js';

const CHECKPOINT = 'checkpoint.safetensors';

async function appears(path: string): Promise<void> {
  for (;;) {
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found) return;
    await delay(2);
  }
}

describe('the trainer process', () => {
  let data: string;
  let images: string;
  const runs: TrainerRun[] = [];
  const trainers: TestTrainer[] = [];

  async function newRun(...options: Parameters<typeof TrainerRun.create>): Promise<TrainerRun> {
    const run = await TrainerRun.create(...options);
    runs.push(run);
    return run;
  }
  function start(run: TrainerRun): TestTrainer {
    const trainer = new TestTrainer(run);
    trainers.push(trainer);
    return trainer;
  }

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'site-data-'));
    images = join(data, 'mri-of-miller-anna');
    await writePatients(images, 12);
  }, 60_000);
  afterAll(() => rm(data, { recursive: true }));
  afterEach(async () => {
    for (const trainer of trainers.splice(0)) {
      trainer.child.kill('SIGKILL');
      await trainer.ended;
    }
    for (const run of runs.splice(0)) await run.remove();
  });

  it('trains round after round to the same bits in every process', async () => {
    const first = await newRun(images);
    const stays = start(first);
    const reports = [];
    for (const round of [1, 2]) reports.push(await stays.perform(await first.trainTask(round)));

    const second = await newRun(images);
    for (const round of [1, 2]) {
      const restarted = start(second);
      expect((await restarted.perform(await second.trainTask(round))).sha256).toBe(reports[round - 1]?.sha256);
      await restarted.stop();
    }
    expect(reports[0]?.sha256).not.toBe(reports[1]?.sha256);
    expect(reports[0]?.report).toMatchObject({ kind: 'train', steps: 6, engine: { threads: 1 } });
  }, 60_000);

  it('writes local minus global weights, under the names and shapes of the network', async () => {
    const run = await newRun(images, {
      recipe: phantomRecipe({ optimiser: { ...phantomRecipe().optimiser, learningRate: 1e-4 } }),
    });
    const folder = await run.trainTask(1);
    const report = await start(run).perform(folder);
    const bytes = await readFile(join(folder, RESULT_FILE));
    expect(report).toMatchObject({
      sha256: createHash('sha256').update(bytes).digest('hex'),
      sizeBytes: bytes.length,
    });
    const { manifest, flat } = await readParameterFile(join(folder, RESULT_FILE));
    expect(manifest).toEqual(run.weights(1).manifest);
    // Six Adam steps of at most about 1e-4 each: an update is that small, and not all of it is zero.
    const largest = flat.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest).toBeGreaterThan(1e-5);
    expect(largest).toBeLessThan(1e-3);
  }, 30_000);

  it('ends a killed round with the same bits as one that was not killed', async () => {
    const recipe = phantomRecipe({ rounds: { ...phantomRecipe().rounds, localSteps: 60 } });
    const undisturbed = await newRun(images, { recipe });
    const { sha256 } = await start(undisturbed).perform(await undisturbed.trainTask(1));

    const killed = await newRun(images, { recipe });
    const folder = await killed.trainTask(1);
    const victim = start(killed);
    victim.send({ type: 'task', folder });
    await appears(join(folder, CHECKPOINT));
    victim.child.kill('SIGKILL');
    await victim.ended;
    await expect(readTaskReport(folder)).rejects.toThrow();

    const report = await start(killed).perform(folder);
    expect(report.sha256).toBe(sha256);
    expect(report.report).toMatchObject({ steps: 60 });
  }, 60_000);

  it('trains a repeated round from the moments before it, not from those it left itself', async () => {
    const run = await newRun(images);
    const trainer = start(run);
    const folders = [await run.trainTask(1), await run.trainTask(2)];
    const reports = [];
    for (const folder of folders) reports.push(await trainer.perform(folder));
    await rm(join(folders[1] ?? '', 'report.json'));
    expect((await trainer.perform(folders[1] ?? '')).sha256).toBe(reports[1]?.sha256);
  }, 30_000);

  it('goes on from the round that was counted last, as if the rounds in between had never been trained', async () => {
    // SCAFFOLD's c_i, what a code has lost and the weights of own norms must match what the server has of this site.
    const recipe = phantomRecipe({
      strategy: strategySchema.parse({ kind: 'scaffold' }),
      federation: federationSchema.parse({ localParameters: ['norms'], compression: { kind: 'int8' } }),
    });
    const spared = await newRun(images, { recipe });
    const trainer = start(spared);
    await trainer.perform(await spared.trainTask(1));
    const expected = await trainer.perform(await spared.trainTask(4, { countedRound: 1 }));

    const missed = await newRun(images, { recipe });
    const busy = start(missed);
    await busy.perform(await missed.trainTask(1));
    for (const round of [2, 3]) await busy.perform(await missed.trainTask(round, { countedRound: 1 }));
    const { sha256 } = await busy.perform(await missed.trainTask(4, { countedRound: 1 }));
    expect(sha256).toBe(expected.sha256);

    const counted = await busy.perform(await missed.trainTask(5, { countedRound: 1 }));
    expect((await busy.perform(await missed.trainTask(5, { countedRound: 4 }))).sha256).not.toBe(counted.sha256);
  }, 60_000);

  it('keeps the engine that a run began with, whatever the site configures later', async () => {
    const run = await newRun(images, { engine: { name: 'onnx', threads: 1 } });
    const first = start(run);
    expect((await first.next('ready')).engine).toEqual({ name: 'onnx', device: 'cpu', threads: 1 });
    await first.stop();
    const file = join(run.folder, 'run.json');
    const changed: unknown = { ...JSON.parse(await readFile(file, 'utf8')), engine: { name: 'reference', threads: 2 } };
    await writeFile(file, JSON.stringify(changed));
    expect((await start(run).next('ready')).engine).toEqual({ name: 'onnx', device: 'cpu', threads: 1 });
    const gone = { name: 'onnx', device: 'cuda', threads: 1, layout: 'plain' };
    await writeFile(join(run.folder, 'engine.json'), JSON.stringify(gone));
    expect((await start(run).next('failed')).problem).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  }, 60_000);

  it('keeps the precision that a run began with, and its loss scale from round to round', async () => {
    const run = await newRun(images, { engine: { name: 'onnx', threads: 1, precision: 'float16' } });
    const first = start(run);
    await first.perform(await run.trainTask(1));
    await first.stop();
    const kept: unknown = JSON.parse(await readFile(join(run.folder, 'engine.json'), 'utf8'));
    expect(kept).toMatchObject({ precision: 'float16' });
    const state = await readTrainingState(join(run.folder, 'site-1.safetensors'));
    expect(state?.numbers).toMatchObject({ lossScale: 65_536, goodSteps: state?.numbers['step'] });

    const file = join(run.folder, 'run.json');
    const changed: unknown = { ...JSON.parse(await readFile(file, 'utf8')), engine: { name: 'onnx', threads: 1 } };
    await writeFile(file, JSON.stringify(changed));
    await start(run).perform(await run.trainTask(2));
    const next = await readTrainingState(join(run.folder, 'site-2.safetensors'));
    expect(next?.numbers).toMatchObject({ lossScale: 65_536, goodSteps: 2 * (state?.numbers['step'] ?? 0) });
  }, 60_000);

  it('stops at NaN with a code, keeps the last checkpoint, and goes on with the next task', async () => {
    const run = await newRun(images);
    const trainer = start(run);
    const folder = await run.trainTask(1);
    const { flat } = run.weights(Number.NaN);
    const zeros = new Float32Array(flat.length);
    await writeTrainingState(join(folder, CHECKPOINT), {
      vectors: { weights: flat, m: zeros, v: zeros },
      numbers: { steps: 2, lossSum: 2, seconds: 1, optimiserStep: 2 },
    });
    trainer.send({ type: 'task', folder });
    expect((await trainer.next('failed')).problem).toMatchObject({ code: 'TRAIN_NOT_FINITE' });
    await access(join(folder, CHECKPOINT));

    const clean = await newRun(images);
    const expected = await start(clean).perform(await clean.trainTask(1));
    await rm(join(folder, CHECKPOINT));
    expect((await trainer.perform(folder)).sha256).toBe(expected.sha256);
  }, 60_000);

  it("refuses weights that are not the network's", async () => {
    const run = await newRun(images);
    const folder = await run.trainTask(1);
    const manifest = [{ name: 'other', shape: [3] }];
    await writeParameterFile(join(folder, 'global.safetensors'), { manifest, flat: new Float32Array(3) });
    const trainer = start(run);
    trainer.send({ type: 'task', folder });
    expect((await trainer.next('failed')).problem).toMatchObject({ code: 'UPDATE_WRONG_MANIFEST' });
  }, 30_000);

  it('evaluates two versions without sending an image', async () => {
    const lesions = phantomRecipe().classes.filter((name) => name.endsWith('-lesion'));
    const evaluation = { ...phantomRecipe().evaluation, utilitySeeds: 1, scarceClasses: lesions };
    const run = await newRun(images, { recipe: phantomRecipe({ evaluation }) });
    const folder = await run.evaluateTask(4);
    const { report } = await start(run).perform(folder);
    expect(report).toMatchObject({ kind: 'evaluate', syntheticImages: 8 });
    const result = decodeSiteEvaluation(await readFile(join(folder, RESULT_FILE)));
    expect(result.after.labels).toEqual(result.before.labels);
    expect(result.after.features).not.toEqual(result.before.features);
    // Sums over fewer than eight images stay at home, and with them images that could be found by subtraction.
    for (const { pooled, groups } of [result.heldOut, result.train]) {
      expect(Math.min(pooled.count, ...[...groups.values()].map(({ count }) => count))).toBeGreaterThanOrEqual(8);
    }
    // Half as many scarce images as samples, besides the lesions that the samples hold in the proportion of the real ones.
    const sampled = result.after.labels.filter((label) => lesions.includes(phantomRecipe().classes[label] ?? ''));
    expect(result.utility).toMatchObject({
      syntheticLesions: 4 + sampled.length,
      realOnly: { perSeed: [expect.any(Number)] },
    });
  }, 60_000);

  it.each([
    ['an empty folder', 0, 'DATA_EMPTY'],
    ['a single patient', 1, 'DATA_ALL_IN_ONE_SPLIT'],
  ])(
    'ends with a code for %s',
    async (_, patients, code) => {
      const folder = join(data, `${patients}-patients`);
      await mkdir(folder);
      if (patients > 0) await writePatients(folder, patients);
      else await writeFile(join(folder, 'labels.csv'), 'patient,slice,class\n');
      const trainer = start(await newRun(folder));
      expect(await trainer.next('failed')).toMatchObject({ assignmentId: null, problem: { code } });
      await trainer.ended;
    },
    30_000,
  );

  it('ends when its agent is gone, in the middle of a round too', async () => {
    const recipe = phantomRecipe({ rounds: { ...phantomRecipe().rounds, localSteps: 100_000 } });
    const run = await newRun(images, { recipe });
    const trainer = start(run);
    trainer.send({ type: 'task', folder: await run.trainTask(1) });
    await trainer.next('progress');
    await trainer.stop();
    expect(trainer.child.exitCode).toBe(0);
  }, 30_000);

  it('says and leaves nothing that names a patient or a file', async () => {
    await writeFile(join(images, 'IM-of-miller-anna.dcm'), 'broken');
    const run = await newRun(images);
    const trainer = start(run);
    const folders = [await run.trainTask(1), await run.evaluateTask(4)];
    const ready = await trainer.next('ready');
    for (const folder of folders) await trainer.perform(folder);
    await rm(join(images, 'IM-of-miller-anna.dcm'));
    expect(ready.data).toMatchObject({ images: 48, patients: 12 });
    expect(ready.data.problems.length).toBe(1);
    const left = await Promise.all(
      folders.flatMap((folder) => ['report.json', RESULT_FILE].map((file) => readFile(join(folder, file), 'latin1'))),
    );
    for (const text of [trainer.stdout, ...left]) expect(text).not.toMatch(/miller|anna|Phantom|\.dcm|site-data-/i);
  }, 60_000);
});
