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

  /** Hints and the like: done only if the change is. */
  onCommit(action: () => void): void {
    this.afterCommit.push(action);
  }
}

@Injectable()
export class RunChanges {
  constructor(
    private readonly database: Database,
    private readonly runs: RunRepository,
    private readonly runEvents: RunEventRepository,
    private readonly notices: RunNotices,
    private readonly clock: Clock,
  ) {}

  /**
   * Changes a run, its rounds and assignments in one transaction; its events are part of it. Changes of one run come one after
   * the other.
   *
   * @param before What comes first in the same transaction: a run that does not exist before is written there.
   * @throws TributaryError NOT_FOUND, and what `work` throws; nothing has changed then.
   */
  async change<T>(
    runId: string,
    work: (change: RunChange) => Promise<T>,
    before?: (db: Db) => Promise<void>,
  ): Promise<T> {
    const { change, result } = await this.database.transaction(async (db) => {
      await before?.(db);
      const change = new RunChange(db, await this.runs.lock(db, runId), this.clock.now());
      const result = await work(change);
      await this.write(change);
      return { change, result };
    });
    for (const action of change.afterCommit) action();
    if (isWorthTelling(change)) this.notices.emit('changed', runId, change.wakesDriver);
    return result;
  }

  private async write({ db, run, events, patch }: RunChange): Promise<void> {
    if (events.length > 0 || Object.keys(patch).length > 0) {
      await this.runs.save(db, run, { ...patch, eventSeq: run.eventSeq + events.length });
    }
    await this.runEvents.append(db, run.id, events);
  }
}

function isWorthTelling({ events, patch }: RunChange): boolean {
  return events.length > 0 || Object.keys(patch).length > 0;
}
