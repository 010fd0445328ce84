import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { TributaryError, toProblem } from '@tributary/protocol';
import { VersionsService } from '../models/versions.service.js';
import { Clock } from '../platform/clock/clock.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { CoordinatorConfig } from '../platform/config/coordinator-config.js';
import { Database } from '../platform/database/database.js';
import { toTributaryError } from '../platform/errors/problem.filter.js';
import { LOGGER, type Logger } from '../platform/logging/logger.js';
import { nextStep, type RunSnapshot, type Step } from './next-step.js';
import { RoundRepository } from './rounds/round.repository.js';
import { RunNotices } from './run-notices.js';
import { RunStepsService } from './run-steps.service.js';
import { RunRepository } from './run.repository.js';

/**
 * Drives every run from step to step. Entered by a notice of this process right after a commit, and by a sweep over all live
 * runs every few seconds and at the start: whatever was lost by a crash is found again, because a step is decided from
 * the database alone and each is safe to do twice.
 */
@Injectable()
export class RunDriver implements OnApplicationBootstrap, OnApplicationShutdown {
  /** Runs that are being driven here; the flag asks for another look when the present one ends. */
  private readonly driven = new Map<string, { again: boolean; readonly done: Promise<void> }>();
  private timer: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(
    private readonly database: Database,
    private readonly runs: RunRepository,
    private readonly rounds: RoundRepository,
    private readonly versions: VersionsService,
    private readonly steps: RunStepsService,
    private readonly notices: RunNotices,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: CoordinatorConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.notices.on('changed', (runId, wakesDriver) => {
      if (wakesDriver) this.nudge(runId);
    });
    this.sweepAgain(0);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    await Promise.allSettled([...this.driven.values()].map(({ done }) => done));
  }

  /** Looks at a run now, or once more when it is being looked at. */
  nudge(runId: string): void {
    if (this.stopping) return;
    const current = this.driven.get(runId);
    if (current !== undefined) {
      current.again = true;
      return;
    }
    const done = Promise.resolve()
      .then(() => this.drive(runId))
      .catch((error: unknown) => this.noteFailure(runId, error))
      .finally(() => {
        const again = this.driven.get(runId)?.again === true;
        this.driven.delete(runId);
        if (again) this.nudge(runId);
      });
    this.driven.set(runId, { again: false, done });
  }

  /** The run shows what went wrong until a step succeeds; the next sweep tries again. */
  private async noteFailure(runId: string, error: unknown): Promise<void> {
    const known = toTributaryError(error);
    if (known.code === 'SERVICE_NOT_READY')
      return this.logger.info({ runId }, 'the coordinator stops; a step of a run is left to the next start');
    this.logger.error({ runId, err: error }, 'a step of a run failed; the next sweep tries again');
    try {
      await this.runs.noteProblem(this.database.db, runId, toProblem(known));
    } catch (noteError) {
      this.logger.error({ runId, err: noteError }, 'the failure of a step was not kept');
    }
  }

  private sweepAgain(delayMs: number): void {
    if (this.stopping) return;
    this.timer = setTimeout(() => {
      void this.sweep().finally(() => this.sweepAgain(this.config.sweepSeconds * 1000));
    }, delayMs);
  }

  private async sweep(): Promise<void> {
    try {
      for (const runId of await this.runs.live(this.database.db)) this.nudge(runId);
    } catch (error) {
      this.logger.error({ err: error }, 'the sweep over live runs failed; it is tried again');
    }
  }

  private async drive(runId: string): Promise<void> {
    for (let moved = true; moved && !this.stopping;) {
      const snapshot = await this.snapshot(runId);
      if (snapshot === null) return;
      moved = await this.take(nextStep(snapshot), snapshot);
    }
  }

  /** @returns True when the run moved, so that there may be more to do. */
  private async take(step: Step, snapshot: RunSnapshot): Promise<boolean> {
    try {
      return await this.steps.take(step, snapshot);
    } catch (error) {
      // Another replica, or a request, was quicker: look again.
      if (error instanceof TributaryError && error.code.endsWith('_STALE_TRANSITION')) return true;
      throw error;
    }
  }

  private async snapshot(runId: string): Promise<RunSnapshot | null> {
    const { db } = this.database;
    const run = await this.runs.find(db, runId);
    if (run === null) return null;
    const round = await this.rounds.current(db, runId);
    const latest = await this.versions.latest(db, runId);
    return { run, round, roundsDone: latest?.round ?? 0, now: this.clock.now() };
  }
}
