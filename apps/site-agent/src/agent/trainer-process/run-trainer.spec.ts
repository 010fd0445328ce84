import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RunTrainer, type TrainerTask } from './run-trainer.js';

/**
 * A trainer that acts out the lines of `script` in its run folder: a life is one line, a word of it what the trainer does
 * at a step. Each start takes the next line.
 */
const ACTOR = `
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
const folder = process.argv.at(-1);
const lives = readFileSync(folder + '/script', 'utf8').split('\\n');
const [life, ...later] = lives;
writeFileSync(folder + '/script', (later.length > 0 ? later : [life]).join('\\n'));
const words = life.split(' ');
const say = (message) => console.log(JSON.stringify(message));
const problem = { code: 'DATA_EMPTY', message: 'the data folder holds no usable image', remedy: '', retryable: false };
const data = { images: 8, trainImages: 6, heldOutImages: 2, patients: 4, classes: {}, problems: [] };
const act = (word, assignmentId) => {
  if (word === 'ready') say({ type: 'ready', engine: { name: 'onnx', device: 'cpu', threads: 1 }, parameters: 9, data });
  if (word === 'refuse') { say({ type: 'failed', assignmentId: null, problem }); process.exit(1); }
  if (word === 'noise') { console.log('some native library says hello'); console.error('/data/miller/IM1.dcm'); }
  if (word === 'crash') process.kill(process.pid, 'SIGKILL');
  if (word === 'memory') { console.error('FATAL ERROR: JavaScript heap out of memory'); process.exit(134); }
  if (word.startsWith('step')) {
    say({ type: 'progress', assignmentId, stage: 'training', done: Number(word.slice(4) || 1), total: 20 });
  }
  if (word === 'done') say({ type: 'done', assignmentId });
  if (word === 'fail') say({ type: 'failed', assignmentId, problem: { ...problem, code: 'TRAIN_NOT_FINITE' } });
};
const untilTask = () => { for (let word = words.shift(); word && word !== 'task'; word = words.shift()) act(word); };
untilTask();
createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  appendFileSync(folder + '/heard', command.type + '\\n');
  if (command.type === 'stop') process.exit(0);
  if (command.type !== 'task') return;
  const assignmentId = command.folder.split('/').at(-1);
  for (let word = words.shift(); word && word !== 'task'; word = words.shift()) act(word, assignmentId);
});
`;

const signal = new AbortController().signal;

describe('RunTrainer', () => {
  let folder: string;
  let deaths: string[];
  let trainer: RunTrainer;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'run-trainer-'));
    await writeFile(join(folder, 'actor.mjs'), ACTOR);
    deaths = [];
    const launch = { command: process.execPath, arguments: [join(folder, 'actor.mjs')], environment: {} };
    trainer = new RunTrainer(launch, folder, (error) => deaths.push(error.message));
  });
  afterEach(async () => {
    await trainer.stop();
    await rm(folder, { recursive: true });
  });

  const script = (...lives: string[]): Promise<void> => writeFile(join(folder, 'script'), lives.join('\n'));
  const task = (changes: Partial<TrainerTask> = {}): TrainerTask => ({
    assignmentId: 'run-12345678-r1-a0-site-a',
    folder: join(folder, 'run-12345678-r1-a0-site-a'),
    signal,
    onProgress: () => undefined,
    ...changes,
  });

  it('serves one task after the other with one process', async () => {
    await script('noise ready task step noise done task done', 'crash');
    const progress: number[] = [];
    expect((await trainer.ready(signal)).data.patients).toBe(4);
    await trainer.perform(task({ onProgress: ({ done }) => progress.push(done) }));
    await trainer.perform(task());
    expect(progress).toEqual([1]);
    expect(deaths).toEqual([]);
  });

  it('starts a trainer again that died in the middle of a task', async () => {
    await script('ready task step crash', 'crash', 'ready task done');
    await trainer.perform(task());
    expect(deaths).toEqual([
      'the trainer process ended unexpectedly: signal SIGKILL',
      'the trainer process ended unexpectedly: signal SIGKILL',
    ]);
  });

  it('gives a task up after five deaths, with the cause and nothing else of stderr', async () => {
    await script('ready task noise memory');
    await expect(trainer.perform(task())).rejects.toMatchObject({
      code: 'TRAINER_DIED',
      message: 'the trainer process ended unexpectedly: out of memory',
    });
    expect(deaths).toHaveLength(5);
  });

  it('goes on for ever with a trainer that is killed again and again but gets further each time', async () => {
    const lives = [2, 4, 6, 8, 10, 12, 14].map((steps) => `ready task step${steps} crash`);
    await script(...lives, 'ready task done');
    await trainer.perform(task());
    expect(deaths).toHaveLength(7);
  }, 20_000);

  it('gives a task up whose trainer dies at the same place each time', async () => {
    await script('ready task step3 crash', 'ready task step7 crash');
    await expect(trainer.perform(task())).rejects.toMatchObject({ code: 'TRAINER_DIED' });
    expect(deaths).toHaveLength(6);
  }, 20_000);

  it("passes the trainer's own refusal on, and asks again the next time", async () => {
    await script('refuse', 'ready');
    await expect(trainer.ready(signal)).rejects.toMatchObject({ code: 'DATA_EMPTY' });
    expect((await trainer.ready(signal)).parameters).toBe(9);
  });

  it('keeps the process when a task fails', async () => {
    await script('ready task fail task done');
    await expect(trainer.perform(task())).rejects.toMatchObject({ code: 'TRAIN_NOT_FINITE' });
    await trainer.perform(task());
    expect(deaths).toEqual([]);
  });

  it('cancels a task that is not wanted any more', async () => {
    await script('ready task step task');
    const withdrawn = new AbortController();
    const onProgress = (): void => withdrawn.abort(new Error('withdrawn'));
    await expect(trainer.perform(task({ signal: withdrawn.signal, onProgress }))).rejects.toThrow('withdrawn');
    await trainer.stop();
    expect((await readFile(join(folder, 'heard'), 'utf8')).trim().split('\n')).toEqual(['task', 'cancel', 'stop']);
  });
});
