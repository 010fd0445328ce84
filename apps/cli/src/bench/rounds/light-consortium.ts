import { TributaryError } from '@tributary/protocol/errors';
import {
  invitationResponseSchema,
  roundViewSchema,
  runViewSchema,
  siteSchema,
  studySchema,
  type RoundView,
  type RunView,
} from '@tributary/protocol/http';
import { fromProblem } from '@tributary/protocol/problem';
import type { Recipe } from '@tributary/protocol/recipe';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { BackgroundProcess } from '../../processes/background-process.js';
import { launchCoordinator, type RunningCoordinator } from '../../processes/coordinator-process.js';
import { followRun } from '../../runs/run-events.js';
import { LightSites, type LightSiteOrder, type SitesTally } from './light-sites.js';
import { peakRssMiB } from './process-memory.js';
import { processorSeconds } from './process-time.js';
import { BENCH_CLASSES } from './round-recipe.js';

const STUDY_ID = 'bench';
const REQUESTS_AT_ONCE = 8;
const LONG_POLL_SECONDS = 20;
const LOOK_EVERY_MS = 200;
const SITE_SHARE = 1 / 1024;

export interface LightConsortiumOptions {
  readonly sites: number;
  /** Processes that the sites are spread over. */
  readonly processes: number;
  /** Where a folder of its own may be made; it is removed at the end. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** A real coordinator on an embedded database, and light sites that are enrolled, approved and connected. */
export class LightConsortium {
  private coordinator: RunningCoordinator | undefined;
  private process: BackgroundProcess | undefined;
  private groups: LightSites[] = [];

  private constructor(
    private readonly options: LightConsortiumOptions,
    private readonly folder: string,
  ) {}

  /** Does `work` with a consortium and ends it, whatever happens. */
  static async with<T>(options: LightConsortiumOptions, work: (consortium: LightConsortium) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(options.directory, 'tributary-bench-'));
    const consortium = new LightConsortium(options, folder);
    try {
      await consortium.open();
      return await work(consortium);
    } finally {
      await consortium.close();
    }
  }

  /** Connects every site. @returns Seconds that it took. */
  async connect(): Promise<number> {
    const startedAtMs = performance.now();
    await Promise.all(this.groups.map((group) => group.connect()));
    return (performance.now() - startedAtMs) / 1000;
  }

  /** Proposes the recipe and waits for the end of the run. @returns Its published training rounds. */
  async run(recipe: Recipe): Promise<RoundView[]> {
    const { api } = this.running;
    const { id } = await api.post('/v1/runs', { studyId: STUDY_ID, recipe }, runViewSchema);
    for await (const { state } of followRun(api, id, { waitSeconds: LONG_POLL_SECONDS })) {
      if (state === 'paused') break;
      // Every page costs the coordinator something, and a thousand answers make many.
      await delay(LOOK_EVERY_MS, undefined, { signal: this.options.signal });
    }
    const run = await api.get(`/v1/runs/${id}`, runViewSchema);
    if (run.state !== 'completed') throw failureOf(run);
    const rounds = await api.get(`/v1/runs/${id}/rounds`, z.array(roundViewSchema));
    return rounds.filter(({ kind, state }) => kind === 'train' && state === 'published');
  }

  /** Largest memory of the coordinator, all its threads included; undefined where the system does not tell. */
  async coordinatorPeakRssMiB(): Promise<number | undefined> {
    return this.process?.pid === undefined ? undefined : peakRssMiB(this.process.pid);
  }

  /** Seconds that processors have worked for the coordinator so far; undefined where the system does not tell. */
  async coordinatorProcessorSeconds(): Promise<number | undefined> {
    return this.process?.pid === undefined ? undefined : processorSeconds(this.process.pid);
  }

  /** Ends the sites. @returns What each process of them did. */
  async tallies(): Promise<SitesTally[]> {
    return Promise.all(this.groups.splice(0).map((group) => group.finish()));
  }

  private get running(): RunningCoordinator {
    if (this.coordinator === undefined) throw new Error('the coordinator does not run');
    return this.coordinator;
  }

  private async open(): Promise<void> {
    await mkdir(join(this.folder, 'logs'));
    this.coordinator = await launchCoordinator({
      dataDirectory: join(this.folder, 'coordinator'),
      stdoutFile: join(this.folder, 'logs', 'coordinator.out'),
      stderrFile: join(this.folder, 'logs', 'coordinator.log'),
      detached: false,
      signal: this.options.signal,
      onStart: (started) => {
        this.process = started;
        return Promise.resolve();
      },
      env: { TRIBUTARY_LOG_LEVEL: 'warn' },
    });
    const image = { sizePx: 64, channels: 1 };
    const study = { id: STUDY_ID, title: 'Bench', modality: 'MR', classes: BENCH_CLASSES, image };
    await this.coordinator.api.post('/v1/studies', study, studySchema);
    const { sites, processes } = this.options;
    const orders = await inTurns(
      Array.from({ length: sites }, (_, index) => index),
      (index) => this.invite(index),
    );
    const groupSize = Math.ceil(sites / processes);
    for (let begin = 0; begin < sites; begin += groupSize) await this.enrol(orders.slice(begin, begin + groupSize));
  }

  private async invite(index: number): Promise<LightSiteOrder> {
    const siteId = `site-${String(index + 1).padStart(4, '0')}`;
    const path = `/v1/studies/${STUDY_ID}/invitations`;
    const { token } = await this.running.api.post(path, { siteId }, invitationResponseSchema);
    return { siteId, token, value: 1 + index * SITE_SHARE };
  }

  private async enrol(orders: readonly LightSiteOrder[]): Promise<void> {
    const { api, url } = this.running;
    const group = new LightSites();
    this.groups.push(group);
    await inTurns(await group.enrol(url, orders), ({ siteId, fingerprint }) =>
      api.post(`/v1/sites/${siteId}/approve`, { fingerprint }, siteSchema),
    );
  }

  private async close(): Promise<void> {
    for (const group of this.groups) group.kill();
    await this.process?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A few at a time, so that a thousand requests do not meet their time-outs in the queue. */
async function inTurns<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let begin = 0; begin < items.length; begin += REQUESTS_AT_ONCE) {
    results.push(...(await Promise.all(items.slice(begin, begin + REQUESTS_AT_ONCE).map(work))));
  }
  return results;
}

function failureOf(run: RunView): TributaryError {
  if (run.problem !== null) return fromProblem(run.problem);
  return new TributaryError('RUN_ILLEGAL_TRANSITION', { detail: `the run is ${run.state}` });
}
