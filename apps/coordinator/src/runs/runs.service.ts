import { randomBytes } from 'node:crypto';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { networkManifest } from '@tributary/diffusion/initial-model';
import { assertExchange } from '@tributary/federation';
import {
  TributaryError,
  assertTrainableAtSites,
  recordRecipe,
  type Recipe,
  type RecordedRecipe,
  type RunRequest,
  type Study,
} from '@tributary/protocol';
import { AuditService } from '../audit/audit.service.js';
import { RefusalsService } from '../audit/refusals.service.js';
import { SitesService } from '../identity/sites.service.js';
import type { Principal } from '../platform/access/access.js';
import { Clock, after } from '../platform/clock/clock.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { CoordinatorConfig } from '../platform/config/coordinator-config.js';
import { Database } from '../platform/database/database.js';
import { SiteHints } from '../platform/hints/site-hints.js';
import { StudiesService } from '../studies/studies.service.js';
import { RoundRepository } from './rounds/round.repository.js';
import { RoundsService } from './rounds/rounds.service.js';
import { StartWeightsService } from './proposal/start-weights.service.js';
import { RunChanges, type RunChange } from './run-change.js';
import { RunRepository, type Run } from './run.repository.js';

/** What admins do with runs. */
@Injectable()
export class RunsService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly runs: RunRepository,
    private readonly rounds: RoundRepository,
    private readonly roundChanges: RoundsService,
    private readonly studies: StudiesService,
    private readonly sites: SitesService,
    private readonly changes: RunChanges,
    private readonly hints: SiteHints,
    private readonly starts: StartWeightsService,
    private readonly audit: AuditService,
    private readonly refusals: RefusalsService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: CoordinatorConfig,
  ) {}

  /** Whoever waits for a site's hours does not wait for those that it had before. */
  onModuleInit(): void {
    this.sites.onHoursChanged((db, siteId) => this.runs.lookAgain(db, siteId, this.clock.now()));
  }

  /**
   * Stores a recipe whole and asks the study's sites to approve it.
   *
   * @throws TributaryError NOT_FOUND (study), RECIPE_INCOMPATIBLE, RECIPE_STUDY_MISMATCH, QUORUM_LARGER_THAN_STUDY, ROUND_DEADLINE_PAST,
   *         START_WEIGHTS_MISSING, START_MODEL_UNFIT, SAFETENSORS_INVALID;
   *         the refusal is in the audit log then.
   */
  async create(request: RunRequest, by: Principal): Promise<string> {
    try {
      return await this.propose(request, by);
    } catch (error) {
      if (error instanceof TributaryError && error.spec.status < 500) {
        await this.refusals.note({ actor: by.id, subject: request.studyId, error });
      }
      throw error;
    }
  }

  private async propose({ studyId, recipe, approvalDeadlineAt: asked }: RunRequest, by: Principal): Promise<string> {
    const approvalDeadlineAt = this.approvalDeadline(asked);
    assertTrainableAtSites(recipe);
    assertFitsStudy(recipe, await this.studies.get(studyId));
    const sites = await this.sites.approvedIn(this.database.db, studyId);
    if (recipe.rounds.quorum > sites.length) {
      const detail = `quorum ${recipe.rounds.quorum}, approved sites ${sites.length}`;
      throw new TributaryError('QUORUM_LARGER_THAN_STUDY', { detail });
    }
    assertExchange(networkManifest(recipe, sites.length), recipe.federation);
    await this.starts.assertFit(recipe, sites.length);
    const id = `run-${randomBytes(4).toString('hex')}`;
    const recorded = recordRecipe(recipe);
    const { recipeSha256 } = recorded;
    await this.database.transaction(async (db) => {
      await this.starts.hold(db, recipe);
      await this.runs.create(db, { id, studyId, name: recipe.name, approvalDeadlineAt }, recorded);
      await this.audit.append(db, {
        actor: by.id,
        action: 'run.created',
        subject: id,
        detail: { studyId, recipeSha256 },
      });
    });
    await this.changes.change(id, (change) => {
      change.move('propose');
      change.set({ sites });
      change.onCommit(() => {
        for (const siteId of sites)
          this.hints.tell(siteId, { event: 'run:proposed', body: { runId: id, recipeSha256 } });
      });
      return Promise.resolve();
    });
    return id;
  }

  /** @throws TributaryError NOT_FOUND. */
  async get(id: string): Promise<Run> {
    const run = await this.runs.find(this.database.db, id);
    if (run === null) throw new TributaryError('NOT_FOUND', { detail: `run ${id}` });
    return run;
  }

  /** @throws TributaryError NOT_FOUND. */
  async sitesOf(id: string): Promise<readonly string[]> {
    const sites = await this.runs.sites(this.database.db, id);
    if (sites === null) throw new TributaryError('NOT_FOUND', { detail: `run ${id}` });
    return sites;
  }

  /** What sites approve, as it was accepted. @throws TributaryError NOT_FOUND. */
  recordedRecipe(id: string): Promise<RecordedRecipe> {
    return this.runs.recordedRecipe(this.database.db, id);
  }

  list(): Promise<Run[]> {
    return this.runs.list(this.database.db);
  }

  /** The round in flight is finished; no other is opened. A run that would go on by itself, when there is room, stays paused. */
  async pause(id: string, by: Principal): Promise<void> {
    await this.changes.change(id, async (change) => {
      const { state, pauseCause } = change.run;
      if (state === 'paused' && pauseCause === 'admin') return;
      if (state === 'paused') change.record({ kind: 'run.state', detail: { state, by: by.name } });
      else change.move('pause', { by: by.name });
      change.set({ pauseCause: 'admin' });
      await this.note(change, 'run.paused', by);
    });
  }

  /** Attempts that failed before no longer count. */
  async resume(id: string, by: Principal): Promise<void> {
    await this.changes.change(id, async (change) => {
      change.move('resume', { by: by.name });
      const round = await this.rounds.current(change.db, id);
      const attemptsForgiven = round === null ? 0 : round.attempt + (round.state === 'abandoned' ? 1 : 0);
      change.set({
        problem: null,
        pauseCause: null,
        nextRoundAt: change.now,
        nextRoundWaitsFor: null,
        attemptsForgiven,
      });
      await this.note(change, 'run.resumed', by);
    });
  }

  /** Ends a run; its versions stay, nothing is released. */
  async cancel(id: string, by: Principal): Promise<void> {
    await this.changes.change(id, async (change) => {
      change.move('cancel', { by: by.name });
      change.set({ endedAt: change.now, pauseCause: null });
      for (const round of await this.rounds.live(change.db, id)) {
        await this.roundChanges.abandon(change, round, 'the run was cancelled');
      }
      await this.note(change, 'run.cancelled', by);
      change.onCommit(() => {
        for (const siteId of change.run.sites) this.hints.tell(siteId, { event: 'run:ended', body: { runId: id } });
      });
    });
  }

  private approvalDeadline(asked: string | undefined): Date {
    const now = this.clock.now();
    if (asked === undefined) return after(now, this.config.approvalWindowSeconds);
    const deadline = new Date(asked);
    if (deadline > now) return deadline;
    const fields = [{ path: 'approvalDeadlineAt', expected: `later than ${now.toISOString()}` }];
    throw new TributaryError('ROUND_DEADLINE_PAST', { detail: 'approvalDeadlineAt', fields });
  }

  private note({ db, run }: RunChange, action: string, by: Principal): Promise<void> {
    return this.audit.append(db, { actor: by.id, action, subject: run.id, detail: {} });
  }
}

function assertFitsStudy(recipe: Recipe, study: Study): void {
  const fields = [
    ...(recipe.classes.join('\n') === study.classes.join('\n')
      ? []
      : [{ path: 'recipe.classes', expected: `the study's classes: ${study.classes.join(', ')}` }]),
    ...(recipe.image.sizePx === study.image.sizePx
      ? []
      : [{ path: 'recipe.image.sizePx', expected: String(study.image.sizePx) }]),
    ...(recipe.image.channels === study.image.channels
      ? []
      : [{ path: 'recipe.image.channels', expected: String(study.image.channels) }]),
  ];
  if (fields.length === 0) return;
  const detail = fields.map(({ path, expected }) => `${path}: ${expected}`).join('; ');
  throw new TributaryError('RECIPE_STUDY_MISMATCH', { detail, fields });
}
