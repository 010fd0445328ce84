import { loadAtlas, PHANTOM_CLASSES, writePhantomSite, type PhantomSite } from '@tributary/imaging';
import { TributaryError } from '@tributary/protocol/errors';
import { runViewSchema, studySchema, type RunEvent } from '@tributary/protocol/http';
import { fromProblem } from '@tributary/protocol/problem';
import type { Recipe } from '@tributary/protocol/recipe';
import { randomStream } from '@tributary/random';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { demoSites } from '../../demo/demo-sites.js';
import type { BackgroundProcess } from '../../processes/background-process.js';
import { launchCoordinator, type RunningCoordinator } from '../../processes/coordinator-process.js';
import { enrolAgent, launchAgent, untilConnected, type SiteAgent } from '../../processes/site-agents.js';
import { followRun } from '../../runs/run-events.js';

const STUDY_ID = 'bench';
const PATIENTS = 12;
const SEED = 1;
const LONG_POLL_SECONDS = 20;
const LOOK_EVERY_MS = 5000;

export interface TrainingConsortiumOptions {
  readonly sites: number;
  readonly recipe: Recipe;
  /** Where a folder of its own may be made; it is removed at the end. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** What a run leaves to read. */
export interface TrainedRun {
  readonly events: readonly RunEvent[];
  /** The agents' logs. */
  readonly logs: readonly string[];
}

/** A real coordinator on an embedded database and real agents with trainers, on a few phantom patients each. */
export class TrainingConsortium {
  private readonly processes: BackgroundProcess[] = [];

  private constructor(
    private readonly options: TrainingConsortiumOptions,
    private readonly folder: string,
  ) {}

  /** Runs the recipe from its proposal to its end. */
  static async run(options: TrainingConsortiumOptions): Promise<TrainedRun> {
    const folder = await mkdtemp(join(options.directory, 'tributary-bench-'));
    const consortium = new TrainingConsortium(options, folder);
    try {
      return await consortium.runToEnd();
    } finally {
      await Promise.all(consortium.processes.map((each) => each.stop()));
      await rm(folder, { recursive: true, force: true });
    }
  }

  private async runToEnd(): Promise<TrainedRun> {
    const { recipe, sites, signal } = this.options;
    await mkdir(this.logs);
    const agents = await this.agents();
    const coordinator = await this.startCoordinator();
    const { api } = coordinator;
    const contract = { classes: recipe.classes, image: recipe.image };
    await api.post('/v1/studies', { id: STUDY_ID, title: 'Bench', modality: 'MR', ...contract }, studySchema);
    for (const agent of agents) {
      await enrolAgent(coordinator, agent, { studyId: STUDY_ID, recipe, sites, signal });
      this.processes.push(launchAgent(agent, { logsDirectory: this.logs, detached: false }));
    }
    await untilConnected(api, sites, signal);
    const { id } = await api.post('/v1/runs', { studyId: STUDY_ID, recipe }, runViewSchema);
    const events: RunEvent[] = [];
    for await (const page of followRun(api, id, { waitSeconds: LONG_POLL_SECONDS })) {
      events.push(...page.events);
      if (page.state === 'paused') break;
      // Every page costs the coordinator something, and it is being measured.
      await delay(LOOK_EVERY_MS, undefined, { signal });
    }
    const run = await api.get(`/v1/runs/${id}`, runViewSchema);
    if (run.problem !== null) throw fromProblem(run.problem);
    if (run.state !== 'completed') throw new TributaryError('RUN_ILLEGAL_TRANSITION', { detail: run.state });
    return { events, logs: await Promise.all(agents.map(({ siteId }) => this.logOf(siteId))) };
  }

  private async startCoordinator(): Promise<RunningCoordinator> {
    return launchCoordinator({
      dataDirectory: join(this.folder, 'coordinator'),
      stdoutFile: join(this.logs, 'coordinator.out'),
      stderrFile: join(this.logs, 'coordinator.log'),
      detached: false,
      signal: this.options.signal,
      onStart: (started) => Promise.resolve(this.processes.push(started)),
      env: { TRIBUTARY_LOG_LEVEL: 'warn' },
    });
  }

  private async agents(): Promise<SiteAgent[]> {
    const agents: SiteAgent[] = [];
    for (const site of demoSites(this.options.sites)) agents.push(await this.agent(site));
    return agents;
  }

  private async agent(site: PhantomSite): Promise<SiteAgent> {
    const directory = join(this.folder, site.name, 'images');
    await writePhantomSite({
      directory,
      site,
      patients: PATIENTS,
      imageSizePx: this.options.recipe.image.sizePx,
      atlas: await loadAtlas(),
      random: (...path) => randomStream(SEED, 'phantom', ...path),
    });
    return { siteId: site.name, dataDirectory: join(this.folder, site.name, 'agent'), imagesDirectory: directory };
  }

  private get logs(): string {
    return join(this.folder, 'logs');
  }

  private logOf(siteId: string): Promise<string> {
    return readFile(join(this.logs, `${siteId}.log`), 'utf8');
  }
}

/** Classes of the images that its sites have. */
export const TRAINING_CLASSES: readonly string[] = PHANTOM_CLASSES;
