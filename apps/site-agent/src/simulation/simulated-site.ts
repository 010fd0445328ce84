import { mkdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createTrainer } from '@tributary/diffusion';
import {
  assignmentId,
  embeddingRows,
  REPORT_FILE,
  reportFileSchema,
  RESULT_FILE,
  type Recipe,
  type ReportFile,
  type RunFile,
} from '@tributary/protocol';
import type { Engine } from '@tributary/tensor';
import { LocalEvaluation } from '../trainer/local-evaluation.js';
import { LocalTraining, type LocalTrainingParts } from '../trainer/local-training.js';
import { SiteImages } from '../trainer/site-images.js';

export const RUN_ID = 'run-00000000';

export interface SimulatedSiteOptions {
  readonly siteId: string;
  /** All sites of the run, in the order of their ids. */
  readonly sites: readonly string[];
  readonly imagesDirectory: string;
  readonly recipe: Recipe;
  /** Exists; the site's own durable state goes there. */
  readonly runDirectory: string;
  readonly engine: Engine;
}

/** Files of the global model that a task refers to, by their paths. */
export interface TaskFiles {
  readonly weights: string;
  readonly control?: string;
}

/** A finished task: the result's path, and what the site reported. */
export interface FinishedTask {
  readonly path: string;
  readonly report: ReportFile;
}

/** One site's trainer in this process: the same training and evaluation as in the agent's child process. */
export class SimulatedSite {
  private readonly training: LocalTraining;
  private readonly evaluation: LocalEvaluation;

  private constructor(
    readonly siteId: string,
    readonly parts: LocalTrainingParts,
  ) {
    this.training = new LocalTraining(parts);
    this.evaluation = new LocalEvaluation(parts);
  }

  static async open(options: SimulatedSiteOptions): Promise<SimulatedSite> {
    const { siteId, sites, imagesDirectory, recipe, runDirectory, engine } = options;
    const run: RunFile = {
      runId: RUN_ID,
      siteId,
      sites: [...sites],
      recipe,
      imagesDirectory,
      engine: { name: 'auto', threads: engine.threads },
      checkpointEverySteps: recipe.rounds.localSteps,
    };
    const images = await SiteImages.read(run);
    const trainer = await createTrainer({ engine, recipe, classRows: embeddingRows(recipe, sites.length) });
    return new SimulatedSite(siteId, { run, runDirectory, engine, trainer, images });
  }

  async train(round: number, files: TaskFiles): Promise<FinishedTask> {
    const folder = await this.taskFolder(round);
    await this.training.train(
      {
        kind: 'train',
        assignmentId: this.assignment(round),
        round,
        countedRound: round - 1,
        weightsFile: relative(folder, files.weights),
        controlFile: files.control && relative(folder, files.control),
      },
      { folder, signal: new AbortController().signal, onStep: () => undefined },
    );
    return finished(folder);
  }

  /** @returns The encoded evaluation, as the site would send it. */
  async evaluate(round: number, models: { readonly before: string; readonly after: string }): Promise<Buffer> {
    const folder = await this.taskFolder(round);
    await this.evaluation.evaluate(
      {
        kind: 'evaluate',
        assignmentId: this.assignment(round),
        round,
        countedRound: round - 1,
        beforeFile: relative(folder, models.before),
        afterFile: relative(folder, models.after),
      },
      { folder, signal: new AbortController().signal, onProgress: () => undefined },
    );
    return readFile(join(folder, RESULT_FILE));
  }

  close(): Promise<void> {
    return this.parts.trainer.dispose();
  }

  private assignment(round: number): string {
    return assignmentId({ runId: RUN_ID, round, attempt: 0, siteId: this.siteId });
  }

  private async taskFolder(round: number): Promise<string> {
    const folder = join(this.parts.runDirectory, this.assignment(round));
    await mkdir(folder, { recursive: true });
    return folder;
  }
}

async function finished(folder: string): Promise<FinishedTask> {
  const report = reportFileSchema.parse(JSON.parse(await readFile(join(folder, REPORT_FILE), 'utf8')));
  return { path: join(folder, RESULT_FILE), report };
}
