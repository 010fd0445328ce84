import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Recipe } from '@tributary/protocol';
import { BlobStore } from '../platform/blobs/blob-store.js';
import { Clock, after } from '../platform/clock/clock.js';
import { Database, type Db } from '../platform/database/database.js';
import { LOGGER, type Logger } from '../platform/logging/logger.js';
import { Metrics } from '../platform/metrics/metrics.js';
import { BlobReferences } from './blob-references.service.js';
import { keepsUpdates, keepsVersion } from './retention-rule.js';
import { RetentionRepository } from './retention.repository.js';

/** By then the sites of a round that was just opened have their weights: short rounds do not wait for tidying up. */
const SOON_MS = 1000;
const ENDED_FOR_SECONDS = 7 * 24 * 3600;

/** A run and its rule. */
type PrunedRun = { readonly id: string; readonly recipe: Recipe };

/** Files that the rule of a run lets go, with the rows that named them. */
interface Prunable {
  readonly rounds: number[];
  readonly assignmentIds: string[];
  readonly sha256s: readonly string[];
}

/** Removes what a run no longer needs, by the retention rule of its recipe; never a file that any row still names. */
@Injectable()
export class RetentionService implements OnApplicationShutdown {
  private readonly timers = new Map<string, NodeJS.Timeout>();

  constructor(
    private readonly database: Database,
    private readonly repository: RetentionRepository,
    private readonly references: BlobReferences,
    private readonly blobs: BlobStore,
    private readonly clock: Clock,
    private readonly metrics: Metrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Prunes one run. Safe to do at any time and as often as one likes: after a crash the next call does the rest.
   *
   * @returns Bytes freed.
   */
  async prune({ id, recipe }: PrunedRun): Promise<number> {
    if (isEmpty(await this.prunable(this.database.db, id, recipe))) return 0;
    const freedBytes = await this.database.transaction(async (db) => {
      await this.references.lockForRemoval(db);
      const { rounds, assignmentIds, sha256s } = await this.prunable(db, id, recipe);
      const at = this.clock.now();
      await this.repository.markVersionsPruned(db, { runId: id, rounds }, at);
      await this.repository.markUpdatesPruned(db, assignmentIds, at);
      return this.removeUnreferenced(db, sha256s);
    });
    this.metrics.prunedBytes.inc(freedBytes);
    this.logger.debug({ runId: id, freedBytes }, 'files that the run no longer needs were removed');
    return freedBytes;
  }

  /** Prunes every run that goes on or ended in the last days: what a crash kept from being pruned goes. @returns Bytes freed. */
  async pruneAll(): Promise<number> {
    const since = after(this.clock.now(), -ENDED_FOR_SECONDS);
    let freedBytes = 0;
    for (const run of await this.repository.runsSince(this.database.db, since)) freedBytes += await this.prune(run);
    return freedBytes;
  }

  /** Prunes a run a little later, once for all that ask until then. What a crash leaves, the next prune of the run takes. */
  pruneSoon(run: PrunedRun): void {
    if (this.timers.has(run.id)) return;
    const prune = async (): Promise<void> => {
      this.timers.delete(run.id);
      await this.prune(run).catch((error: unknown) =>
        this.logger.warn({ runId: run.id, err: error }, 'pruning failed'),
      );
    };
    this.timers.set(
      run.id,
      setTimeout(() => void prune(), SOON_MS),
    );
  }

  onApplicationShutdown(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  /** Removes a file that was taken in and then refused, unless a row names the same bytes. */
  async discard(sha256: string): Promise<void> {
    await this.database.transaction(async (db) => {
      await this.references.lockForRemoval(db);
      await this.removeUnreferenced(db, [sha256]);
    });
  }

  private async prunable(db: Db, runId: string, rules: Recipe): Promise<Prunable> {
    const versions = await this.repository.storedVersions(db, runId);
    const latest = versions.at(-1)?.round ?? 0;
    const inUse = await this.repository.versionsInUse(db, runId);
    const dropped = versions.filter(({ round }) => !keepsVersion(round, { rules, latest, inUse }));
    const stored = await this.repository.storedUpdates(db, runId);
    const updates = stored.filter((update) => !keepsUpdates(update, { rules, latest }));
    return {
      rounds: dropped.map(({ round }) => round),
      assignmentIds: updates.map(({ assignmentId }) => assignmentId),
      sha256s: [...dropped.flatMap(({ sha256s }) => sha256s), ...updates.map(({ sha256 }) => sha256)],
    };
  }

  private async removeUnreferenced(db: Db, sha256s: readonly string[]): Promise<number> {
    const referenced = await this.repository.referencedOf(db, sha256s);
    let freedBytes = 0;
    for (const sha256 of new Set(sha256s)) {
      if (!referenced.has(sha256)) freedBytes += await this.blobs.remove(sha256);
    }
    return freedBytes;
  }
}

function isEmpty({ rounds, assignmentIds }: Prunable): boolean {
  return rounds.length === 0 && assignmentIds.length === 0;
}
