import { Injectable, type OnModuleInit } from '@nestjs/common';
import { TributaryError, type RecordedRecipe } from '@tributary/protocol';
import { AuditService } from '../audit/audit.service.js';
import { SitesService } from '../identity/sites.service.js';
import type { Principal } from '../platform/access/access.js';
import { Clock } from '../platform/clock/clock.js';
import { Database } from '../platform/database/database.js';
import { SiteHints } from '../platform/hints/site-hints.js';
import { RoundRepository } from './rounds/round.repository.js';
import { RoundsService } from './rounds/rounds.service.js';
import { RunChanges, type RunChange } from './run-change.js';
import { RunRepository, type Run } from './run.repository.js';

/** What admins do with runs once they are proposed. */
@Injectable()
export class RunsService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly runs: RunRepository,
    private readonly rounds: RoundRepository,
    private readonly roundChanges: RoundsService,
    private readonly sites: SitesService,
    private readonly changes: RunChanges,
    private readonly hints: SiteHints,
    private readonly audit: AuditService,
    private readonly clock: Clock,
  ) {}

  /** Whoever waits for a site's hours does not wait for those that it had before. */
  onModuleInit(): void {
    this.sites.onHoursChanged((db, siteId) => this.runs.lookAgain(db, siteId, this.clock.now()));
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

  private note({ db, run }: RunChange, action: string, by: Principal): Promise<void> {
    return this.audit.append(db, { actor: by.id, action, subject: run.id, detail: {} });
  }
}
