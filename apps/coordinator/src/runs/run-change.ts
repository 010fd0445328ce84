import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { RunEvent } from '@tributary/protocol';
import { Clock } from '../platform/clock/clock.js';
import { Database, type Db } from '../platform/database/database.js';
import { RunEventRepository } from './run-event.repository.js';
import { RunNotices } from './run-notices.js';
import { RunRepository, type Run, type RunPatch } from './run.repository.js';
import { nextRunState, type RunEventName } from './run.states.js';

type EventInput = Pick<RunEvent, 'kind' | 'detail'> & Partial<Pick<RunEvent, 'round' | 'siteId'>>;

/** One change of a run, inside of its transaction: the run's row is locked, so changes of one run come one after the other. */
export class RunChange {
  readonly events: RunEvent[] = [];
  readonly afterCommit: (() => void)[] = [];
  readonly atEnd = new Map<string, (last: RunChange) => Promise<void>>();
  patch: RunPatch = {};
  /** False when the coordinator has nothing to do about this change. */
  wakesDriver = true;

  constructor(
    readonly db: Db,
    readonly run: Run,
    readonly now: Date,
  ) {}

  /** The run as it will be. */
  get next(): Run {
    return { ...this.run, ...this.patch };
  }

  /** The run as the next change of the same transaction finds it. */
  get after(): Run {
    return { ...this.next, eventSeq: this.run.eventSeq + this.events.length };
  }

  set(patch: RunPatch): void {
    this.patch = { ...this.patch, ...patch };
  }

  /** Moves the run to its next state and says so in its events. */
  move(event: RunEventName, detail: Record<string, unknown> = {}): void {
    const state = nextRunState(this.next.state, event);
    this.set({ state });
    this.record({ kind: 'run.state', detail: { state, ...detail } });
  }

  record({ kind, detail, round = null, siteId = null }: EventInput): void {
    const seq = this.run.eventSeq + this.events.length + 1;
    this.events.push({ seq, at: this.now.toISOString(), kind, round, siteId, detail });
  }

  /**
   * Once a transaction, when all changes that share it are made, by a change of its own; of the same `name`, the last counts.
   * For what is the same after many changes as after one, such as looking whether all sites have answered.
   */
  onEnd(name: string, work: (last: RunChange) => Promise<void>): void {
    this.atEnd.set(name, work);
  }

  /** Hints and the like: done only if the change is. */
  onCommit(action: () => void): void {
    this.afterCommit.push(action);
  }
}

/** A change that waits for its turn; `settle` tells its caller, once it is committed. */
interface WaitingChange {
  readonly work: (change: RunChange) => Promise<{ readonly settle: () => void }>;
  readonly reject: (error: unknown) => void;
}

/** A transaction holds the run's row, and with the embedded database everyone's: not for longer than this many changes take. */
const MAX_TOGETHER = 64;
/** From so many at once on, the next transaction waits as long as the last took, so that more can share it. */
const CROWD = 3;
const LONGEST_PAUSE_MS = 100;

@Injectable()
export class RunChanges {
  /** By run: what came while a change of it was being made. */
  private readonly waiting = new Map<string, WaitingChange[]>();

  constructor(
    private readonly database: Database,
    private readonly runs: RunRepository,
    private readonly runEvents: RunEventRepository,
    private readonly notices: RunNotices,
    private readonly clock: Clock,
  ) {}

  /**
   * Changes a run, its rounds and assignments in one transaction; its events are part of it. Changes that come at the same time
   * share a transaction, one after the other: a round of a thousand sites would else wait for thousands of commits. When one of
   * them throws, all are done again, each alone: so `work` changes nothing but rows before its commit.
   *
   * @throws TributaryError NOT_FOUND, and what `work` throws; nothing has changed then.
   */
  change<T>(runId: string, work: (change: RunChange) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const settled = async (change: RunChange) => {
        const result = await work(change);
        return { settle: () => resolve(result) };
      };
      const waiting = this.waiting.get(runId);
      if (waiting !== undefined) {
        waiting.push({ work: settled, reject });
        return;
      }
      this.waiting.set(runId, [{ work: settled, reject }]);
      void this.makeAll(runId);
    });
  }

  private async makeAll(runId: string): Promise<void> {
    for (let batch = this.nextBatch(runId); batch.length > 0; batch = this.nextBatch(runId)) {
      const startedMs = performance.now();
      if (batch.length === 1 || !(await this.makeTogether(runId, batch))) {
        for (const each of batch) await this.make(runId, [each]).catch(each.reject);
      }
      if (batch.length >= CROWD) await delay(Math.min(performance.now() - startedMs, LONGEST_PAUSE_MS));
    }
    this.waiting.delete(runId);
  }

  private nextBatch(runId: string): WaitingChange[] {
    return this.waiting.get(runId)?.splice(0, MAX_TOGETHER) ?? [];
  }

  /** @returns False when nothing was changed, because one of them failed. */
  private makeTogether(runId: string, batch: readonly WaitingChange[]): Promise<boolean> {
    return this.make(runId, batch).then(
      () => true,
      () => false,
    );
  }

  private async make(runId: string, batch: readonly WaitingChange[]): Promise<void> {
    const settles: (() => void)[] = [];
    const changes = await this.database.transaction(async (db) => {
      const locked = await this.runs.lock(db, runId);
      const made: RunChange[] = [];
      const begin = (): RunChange => {
        const change = new RunChange(db, made.at(-1)?.after ?? locked, this.clock.now());
        made.push(change);
        return change;
      };
      for (const { work } of batch) settles.push((await work(begin())).settle);
      const atEnd = new Map(made.flatMap((change) => [...change.atEnd]));
      for (const work of atEnd.values()) await work(begin());
      await this.write(db, locked, made);
      return made;
    });
    for (const action of changes.flatMap(({ afterCommit }) => afterCommit)) action();
    this.tell(runId, changes);
    for (const settle of settles) settle();
  }

  private tell(runId: string, changes: readonly RunChange[]): void {
    const wakesDriver = changes.some((change) => change.wakesDriver);
    if (changes.some(isWorthTelling)) this.notices.emit('changed', runId, wakesDriver);
  }

  private async write(db: Db, run: Run, changes: readonly RunChange[]): Promise<void> {
    const events = changes.flatMap((change) => change.events);
    const patch = changes.reduce<RunPatch>((all, change) => ({ ...all, ...change.patch }), {});
    if (events.length > 0 || Object.keys(patch).length > 0) {
      await this.runs.save(db, run, { ...patch, eventSeq: run.eventSeq + events.length });
    }
    await this.runEvents.append(db, run.id, events);
  }
}

function isWorthTelling({ events, patch }: RunChange): boolean {
  return events.length > 0 || Object.keys(patch).length > 0;
}
