import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { initialModel } from '@tributary/diffusion/initial-model';
import { loadAtlas, PHANTOM_CLASSES, writePhantomSite } from '@tributary/imaging';
import {
  assignmentId,
  REPORT_FILE,
  reportFileSchema,
  RUN_FILE,
  TASK_FILE,
  trainerMessageSchema,
  type Recipe,
  type ReportFile,
  type RunFile,
  type TaskFile,
  type TrainerCommand,
  type TrainerMessage,
} from '@tributary/protocol';
import { writeParameterFile } from '@tributary/safetensors';
import { randomStream } from '@tributary/random';
import { trainerEnvironment } from '../agent/trainer-process/trainer-environment.js';
import { exampleRecipe } from '../example-recipe.spec-support.js';

const runId = 'run-12345678';
const sites = ['site-a', 'site-b'];
const hooks = fileURLToPath(new URL('../../test-support/run-typescript.mjs', import.meta.url));
const main = fileURLToPath(new URL('./main.ts', import.meta.url));

/** The phantom's classes on 16 pixels, and a network that trains in milliseconds. */
export function phantomRecipe(changes: Partial<Recipe> = {}): Recipe {
  return exampleRecipe({
    classes: [...PHANTOM_CLASSES],
    evaluation: { sampler: 'ddim', steps: 4, samplesPerSite: 8 },
    ...changes,
  });
}

/** A DICOM folder of a few patients of the phantom, with names and ids that must never be seen again. */
export async function writePatients(directory: string, patients: number): Promise<void> {
  await writePhantomSite({
    directory,
    site: { name: 'miller-anna', scanner: 'T1w', format: 'dicom', lesionRate: 0.1 },
    patients,
    imageSizePx: 16,
    atlas: await loadAtlas(),
    random: (...path) => randomStream(7, ...path),
  });
}

/** One run's folder, as an agent prepares it. */
export class TrainerRun {
  private constructor(
    readonly folder: string,
    readonly recipe: Recipe,
  ) {}

  static async create(
    imagesDirectory: string,
    { recipe = phantomRecipe(), ...changes }: Partial<RunFile> = {},
  ): Promise<TrainerRun> {
    const folder = await mkdtemp(join(tmpdir(), 'trainer-'));
    const run: RunFile = {
      runId,
      siteId: 'site-a',
      sites,
      recipe,
      imagesDirectory,
      engine: { name: 'auto', threads: 1 },
      checkpointEverySteps: 2,
      ...changes,
    };
    await writeFile(join(folder, RUN_FILE), JSON.stringify(run));
    return new TrainerRun(folder, recipe);
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }

  /** A folder with the task of a round; all rounds before it count unless told otherwise. @returns Its path. */
  async trainTask(round: number, { scale = 1, countedRound = round - 1 } = {}): Promise<string> {
    const task = { kind: 'train' as const, ...this.part(round), countedRound, weightsFile: 'global.safetensors' };
    return this.task(task, { 'global.safetensors': scale });
  }

  async evaluateTask(round: number): Promise<string> {
    const part = { ...this.part(round), countedRound: round - 1 };
    const task = { kind: 'evaluate' as const, ...part, beforeFile: 'before', afterFile: 'after' };
    return this.task(task, { before: 1, after: 0.5 });
  }

  /** The weights of the run's start, times a factor. */
  weights(scale: number): { manifest: { name: string; shape: readonly number[] }[]; flat: Float32Array } {
    const { manifest, weights } = initialModel(this.recipe, sites.length);
    return {
      manifest: manifest.map(({ name, shape }) => ({ name, shape })),
      flat: weights.map((weight) => weight * scale),
    };
  }

  private part(round: number): { assignmentId: string; round: number } {
    return { assignmentId: assignmentId({ runId, round, attempt: 0, siteId: 'site-a' }), round };
  }

  private async task(task: TaskFile, weights: Record<string, number>): Promise<string> {
    const folder = join(this.folder, task.assignmentId);
    await mkdir(folder, { recursive: true });
    for (const [name, scale] of Object.entries(weights))
      await writeParameterFile(join(folder, name), this.weights(scale));
    await writeFile(join(folder, TASK_FILE), JSON.stringify(task));
    return folder;
  }
}

export async function readTaskReport(folder: string): Promise<ReportFile> {
  return reportFileSchema.parse(JSON.parse(await readFile(join(folder, REPORT_FILE), 'utf8')));
}

/** A real trainer process, started from its sources. */
export class TestTrainer extends EventEmitter<{ message: [TrainerMessage] }> {
  readonly messages: TrainerMessage[] = [];
  stdout = '';
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<unknown>;

  constructor(run: TrainerRun) {
    super();
    const words = ['--conditions=source', '--import', hooks, main, run.folder];
    this.child = spawn(process.execPath, words, { env: trainerEnvironment(process.env), stdio: 'pipe' });
    this.child.stderr.resume();
    this.ended = once(this.child, 'close');
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.stdout += `${line}\n`;
      const message = trainerMessageSchema.parse(JSON.parse(line));
      this.messages.push(message);
      this.emit('message', message);
    });
  }

  send(command: TrainerCommand): void {
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** The next answer of a type to come, or one that has come and was not taken yet. */
  async next<T extends TrainerMessage['type']>(type: T): Promise<Extract<TrainerMessage, { type: T }>> {
    for (;;) {
      const at = this.messages.findIndex((message) => message.type === type);
      const [found] = at < 0 ? [] : this.messages.splice(at, 1);
      if (found !== undefined && isOfType(found, type)) return found;
      await Promise.race([once(this, 'message'), this.failOnEnd(type)]);
    }
  }

  async perform(folder: string): Promise<ReportFile> {
    this.send({ type: 'task', folder });
    await this.next('done');
    return readTaskReport(folder);
  }

  async stop(): Promise<void> {
    this.child.stdin.end();
    await this.ended;
  }

  private async failOnEnd(type: string): Promise<never> {
    await this.ended;
    throw new Error(`the trainer ended before it said ${type}; it said: ${this.stdout}`);
  }
}

function isOfType<T extends TrainerMessage['type']>(
  message: TrainerMessage,
  type: T,
): message is Extract<TrainerMessage, { type: T }> {
  return message.type === type;
}
