import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  invitationResponseSchema,
  runEventsResponseSchema,
  runViewSchema,
  siteSchema,
  studySchema,
  type Recipe,
  type RunEvent,
  type RunView,
} from '@tributary/protocol';
import { CLASSES } from '../../factories/recipe.js';
import { CoordinatorProcess } from './coordinator-process.js';
import type { DatabaseCase, OpenDatabases } from './databases.js';
import { FakeSite } from './fake-site.js';

const STUDY = 'brains';

export interface ConsortiumOptions {
  /** Of the coordinator. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly siteIds?: string[];
}

/** A coordinator process with a study, and fake sites that are enrolled, approved and connected. */
export class Consortium {
  readonly sites: FakeSite[] = [];
  private databases: OpenDatabases | undefined;

  private constructor(
    readonly coordinator: CoordinatorProcess,
    private readonly folder: string,
  ) {}

  static async create(environment: NodeJS.ProcessEnv, siteIds = ['site-a', 'site-b', 'site-c']): Promise<Consortium> {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-medium-'));
    const consortium = new Consortium(new CoordinatorProcess(join(folder, 'data'), environment), folder);
    try {
      await consortium.begin(siteIds);
      return consortium;
    } catch (error) {
      await consortium.close();
      throw error;
    }
  }

  /** One on a database of its own, which is closed with it. */
  static async on(databaseCase: DatabaseCase, { environment, siteIds }: ConsortiumOptions = {}): Promise<Consortium> {
    const databases = await databaseCase.open();
    try {
      const consortium = await Consortium.create({ ...databases.fresh(), ...environment }, siteIds);
      consortium.databases = databases;
      return consortium;
    } catch (error) {
      databases.close();
      throw error;
    }
  }

  /** The site of that id. */
  site(id: string): FakeSite {
    const site = this.sites.find((each) => each.id === id);
    if (site === undefined) throw new Error(`no ${id}`);
    return site;
  }

  private async begin(siteIds: string[]): Promise<void> {
    await this.coordinator.start();
    await this.coordinator.admin.post('/v1/studies', studySchema, {
      id: STUDY,
      title: 'Brains',
      modality: 'MR',
      classes: CLASSES,
      scarceClasses: ['base-lesion'],
      image: { sizePx: 16, channels: 1 },
    });
    for (const siteId of siteIds) await this.addSite(siteId);
  }

  /** Invites, enrols, approves and connects one more site. */
  async addSite(siteId: string): Promise<FakeSite> {
    const site = await this.enrolledSite(siteId);
    await site.connect();
    this.sites.push(site);
    return site;
  }

  async enrolledSite(siteId: string): Promise<FakeSite> {
    const site = new FakeSite(siteId, this.coordinator.url);
    const { fingerprint } = await site.enrol((await this.invite(siteId)).token);
    await this.coordinator.admin.post(`/v1/sites/${siteId}/approve`, siteSchema, { fingerprint });
    return site;
  }

  invite(siteId: string) {
    return this.coordinator.admin.post(`/v1/studies/${STUDY}/invitations`, invitationResponseSchema, { siteId });
  }

  async createRun(recipe: Recipe): Promise<string> {
    return (await this.coordinator.admin.post('/v1/runs', runViewSchema, { studyId: STUDY, recipe })).id;
  }

  run(runId: string): Promise<RunView> {
    return this.coordinator.admin.get(`/v1/runs/${runId}`, runViewSchema);
  }

  async events(runId: string): Promise<RunEvent[]> {
    const events: RunEvent[] = [];
    for (;;) {
      const after = events.at(-1)?.seq ?? 0;
      const page = await this.coordinator.admin.get(`/v1/runs/${runId}/events?after=${after}`, runEventsResponseSchema);
      if (page.events.length === 0) return events;
      events.push(...page.events);
    }
  }

  /** Waits until a look at the run satisfies `isSo`; over restarts of the coordinator too. */
  async until(runId: string, isSo: (run: RunView) => boolean, timeoutMs = 60_000): Promise<RunView> {
    const deadline = Date.now() + timeoutMs;
    let last: RunView | undefined;
    while (Date.now() < deadline) {
      last = await this.run(runId).catch(() => last);
      if (last !== undefined && isSo(last)) return last;
      await sleep(100);
    }
    throw new Error(`waited ${timeoutMs} ms in vain; the run: ${JSON.stringify(last)}`);
  }

  async close(): Promise<void> {
    for (const site of this.sites) site.close();
    await this.coordinator.stop();
    this.databases?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
