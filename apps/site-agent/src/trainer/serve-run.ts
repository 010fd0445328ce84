import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { createTrainer } from '@tributary/diffusion';
import {
  embeddingRows,
  EXIT_CODES,
  parseOrThrow,
  RUN_FILE,
  runFileSchema,
  TASK_FILE,
  taskFileSchema,
  trainerCommandSchema,
  TributaryError,
} from '@tributary/protocol';
import type { z } from 'zod';
import { LocalEvaluation } from './local-evaluation.js';
import { LocalTraining } from './local-training.js';
import { openRunEngine } from './run-engine.js';
import { SiteImages } from './site-images.js';
import { TaskQueue, type QueuedTask } from './task-queue.js';
import { TrainerOutput } from './trainer-output.js';

export interface TrainerStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** What of a run is made once and used in every round. */
interface RunWork {
  readonly training: LocalTraining;
  readonly evaluation: LocalEvaluation;
}

/**
 * Serves one run until `stop`, or until stdin closes because the agent is gone: reads the images and records the training
 * step once, then does one task after the other.
 *
 * @returns The exit code.
 */
export async function serveRun(runDirectory: string, { input, output }: TrainerStreams): Promise<number> {
  const messages = new TrainerOutput(output);
  const tasks = new TaskQueue();
  const lines = createInterface({ input });
  lines.on('line', (line) => receive(line, tasks));
  lines.once('close', () => tasks.close());
  let work: RunWork;
  try {
    work = await prepare(runDirectory, messages);
  } catch (error) {
    messages.fail(null, error);
    return EXIT_CODES.failed;
  }
  for (let task = await tasks.next(); task !== undefined; task = await tasks.next()) {
    await perform(task, work, messages);
  }
  return EXIT_CODES.done;
}

/** A line that is no command can only come from another version; the agent learns of it by the silence that follows. */
function receive(line: string, tasks: TaskQueue): void {
  try {
    tasks.command(parseOrThrow(trainerCommandSchema, JSON.parse(line), 'TRAINER_TASK_INVALID'));
  } catch {
    tasks.close();
  }
}

async function prepare(runDirectory: string, messages: TrainerOutput): Promise<RunWork> {
  const run = await readTaskJson(join(runDirectory, RUN_FILE), runFileSchema);
  const images = await SiteImages.read(run);
  const engine = await openRunEngine(run.engine, runDirectory);
  const classRows = embeddingRows(run.recipe, run.sites.length);
  const trainer = await createTrainer({ engine, recipe: run.recipe, classRows });
  const parts = { run, runDirectory, engine, trainer, images };
  const { name, device, threads } = engine;
  messages.send({
    type: 'ready',
    engine: { name, device, threads },
    parameters: trainer.parameterCount,
    data: images.facts(),
  });
  return { training: new LocalTraining(parts), evaluation: new LocalEvaluation(parts) };
}

async function perform({ folder, signal }: QueuedTask, work: RunWork, messages: TrainerOutput): Promise<void> {
  let assignmentId: string | null = null;
  try {
    const task = await readTaskJson(join(folder, TASK_FILE), taskFileSchema);
    const { assignmentId: id } = task;
    assignmentId = id;
    if (task.kind === 'train') {
      const onStep = (step: object & { done: number; total: number }): void =>
        messages.progress({ assignmentId: id, stage: 'training', ...step });
      const moments = await work.training.train(task, { folder, signal, onStep });
      messages.send({ type: 'done', assignmentId: id, moments });
    } else {
      const onProgress = (done: number, total: number): void =>
        messages.progress({ assignmentId: id, stage: 'evaluating', done, total });
      await work.evaluation.evaluate(task, { folder, signal, onProgress });
      messages.send({ type: 'done', assignmentId: id });
    }
  } catch (error) {
    messages.fail(assignmentId, error);
  }
}

async function readTaskJson<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    throw new TributaryError('TRAINER_TASK_INVALID', { detail: 'a file is missing or no JSON' });
  }
  return parseOrThrow(schema, value, 'TRAINER_TASK_INVALID');
}
