import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_FILE, TributaryError, type AssignmentOffer, type RunFile } from '@tributary/protocol';
import { writeFileAtomically } from '../../durable-files/write-file-atomically.js';
import type { SiteInstallation } from '../config/site-installation.js';
import type { ProposedRecipes } from '../policy/proposed-recipes.js';
import { RunTrainer } from './run-trainer.js';
import type { TrainerLaunch } from './trainer-process.js';

/** The trainers of this agent, one a run. */
export class RunTrainers {
  private readonly trainers = new Map<string, Promise<RunTrainer>>();

  constructor(
    private readonly installation: SiteInstallation,
    private readonly recipes: ProposedRecipes,
    private readonly launch: TrainerLaunch,
  ) {}

  /** The trainer of an assignment's run. Its `run.json` is written at the first call; the child starts when needed. */
  forOffer(offer: AssignmentOffer): Promise<RunTrainer> {
    const { runId } = offer;
    const existing = this.trainers.get(runId);
    if (existing !== undefined) return existing;
    const trainer = this.prepare(offer);
    this.trainers.set(runId, trainer);
    // What could not be prepared is tried again at the next offer.
    trainer.catch(() => this.trainers.delete(runId));
    return trainer;
  }

  /** Whether the site trains in a run already. */
  serves(runId: string): boolean {
    return this.trainers.has(runId);
  }

  async stop(runId: string): Promise<void> {
    const trainer = await this.trainers.get(runId)?.catch(() => undefined);
    this.trainers.delete(runId);
    await trainer?.stop();
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.trainers.keys()].map((runId) => this.stop(runId)));
  }

  private async prepare(offer: AssignmentOffer): Promise<RunTrainer> {
    const { runId } = offer;
    const { paths, log } = this.installation;
    const folder = join(paths.runs, runId);
    const runFile = await this.runFile(offer);
    await mkdir(folder, { recursive: true });
    await writeFileAtomically(join(folder, RUN_FILE), JSON.stringify(runFile), { durable: false });
    return new RunTrainer(this.launch, folder, (error, deaths) =>
      log.warn({ runId, code: error.code, deaths }, error.message),
    );
  }

  private async runFile(offer: AssignmentOffer): Promise<RunFile> {
    const { siteId, imagesDirectory, engine, checkpointEverySteps } = this.installation.config;
    if (imagesDirectory === null) {
      throw new TributaryError('CONFIG_INVALID', {
        detail: 'imagesDirectory is not set; run `tributary agent enroll --images DIR`',
      });
    }
    const { runId, sites } = offer;
    const recipe = await this.recipes.recipe(offer);
    return { runId, siteId, sites, recipe, imagesDirectory, engine, checkpointEverySteps };
  }
}
