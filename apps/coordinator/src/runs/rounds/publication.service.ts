import { Injectable } from '@nestjs/common';
import {
  AggregationService,
  type AggregatedRound,
  type ReceivedUpdate,
  type RoundToAggregate,
} from '../../aggregation/aggregation.service.js';
import { AuditService } from '../../audit/audit.service.js';
import { VersionsService, type Version } from '../../models/versions.service.js';
import { Database } from '../../platform/database/database.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import { FreeSpaceService } from '../../storage/free-space.service.js';
import type { Assignment } from '../assignments/assignment.repository.js';
import { stalenessOf } from './buffer.js';
import { countAnswers } from '../next-step.js';
import { roundTraffic } from './round-traffic.js';
import { RoundRepository, type RoundTimings, type RoundWithAssignments } from './round.repository.js';
import { nextRoundState } from './round.states.js';
import { RunChanges, type RunChange } from '../run-change.js';
import type { Run } from '../run.repository.js';

export interface PublicationOptions {
  /** Aborted when the right to aggregate is lost or the run ends. */
  readonly signal: AbortSignal;
  /** What follows, in the transaction that publishes. */
  readonly andThen: (change: RunChange, version: Version) => Promise<void>;
}

/** Turns a closed training round into the next model version. */
@Injectable()
export class PublicationService {
  constructor(
    private readonly database: Database,
    private readonly aggregation: AggregationService,
    private readonly freeSpace: FreeSpaceService,
    private readonly versions: VersionsService,
    private readonly rounds: RoundRepository,
    private readonly changes: RunChanges,
    private readonly audit: AuditService,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Aggregates, then publishes and, through `andThen`, opens what comes next in the same transaction. Doing it twice changes
   * nothing: the files are named by their content, and only the first to publish finds the round in state `aggregating`.
   *
   * @throws TributaryError DISK_FULL: the round stays closed and is aggregated when there is room.
   */
  async publish(run: Run, round: RoundWithAssignments, { signal, andThen }: PublicationOptions): Promise<void> {
    const previous = await this.versions.get(this.database.db, run.id, round.n - 1);
    const sizes = { kind: round.kind, recipe: run.recipe, weightsBytes: previous.weights.sizeBytes };
    const shortage = await this.freeSpace.shortageForAggregation(sizes);
    if (shortage !== null) throw shortage;
    const startedAt = performance.now();
    const aggregated = await this.aggregation.aggregate(toAggregate(run, round, previous), signal);
    signal.throwIfAborted();
    const aggregateMs = Math.round(performance.now() - startedAt);
    await this.changes.change(run.id, async (change) => {
      await andThen(change, await this.record(change, round, { aggregated, aggregateMs }));
    });
  }

  private async record(
    change: RunChange,
    round: RoundWithAssignments,
    { aggregated, aggregateMs }: { aggregated: AggregatedRound; aggregateMs: number },
  ): Promise<Version> {
    const { db, now, run } = change;
    const facts = { ...roundFacts(round, now), ...roundTraffic(run, round) };
    const timings = { collectMs: Math.round(facts.seconds * 1000) - aggregateMs, aggregateMs };
    const { weights, ema, state, updateNorms } = aggregated;
    await this.rounds.save(db, round, {
      state: nextRoundState(round.state, 'publish'),
      closedAt: now,
      loss: facts.loss,
      bytesUp: facts.bytesUp,
      timings,
    });
    const version = { runId: run.id, round: round.n, weights, ema, state, createdAt: now };
    await this.versions.add(db, version);
    const published = { ...version, prunedAt: null };
    change.set({ attemptsForgiven: 0, nextRoundAt: now, nextRoundWaitsFor: null, problem: null });
    change.record({ kind: 'round.published', round: round.n, detail: { ...facts, aggregateMs } });
    const updates = countedUpdates(round).map(({ id, siteId, sha256, images, staleness }) => {
      const norm = updateNorms.find((update) => update.siteId === id)?.norm ?? null;
      return { siteId, sha256, images, norm, staleness };
    });
    await this.audit.append(db, {
      actor: 'coordinator',
      action: 'round.published',
      subject: run.id,
      detail: { round: round.n, weightsSha256: weights.sha256, emaSha256: ema.sha256, updates },
    });
    change.onCommit(() => this.count(timings));
    return published;
  }

  private count({ collectMs, aggregateMs }: RoundTimings): void {
    this.metrics.roundsEnded.inc({ outcome: 'published' });
    this.metrics.roundSeconds.observe({ stage: 'collect' }, collectMs / 1000);
    this.metrics.roundSeconds.observe({ stage: 'aggregate' }, aggregateMs / 1000);
  }
}

function toAggregate(run: Run, round: RoundWithAssignments, previous: Version): RoundToAggregate {
  if (run.manifest === null) throw new Error(`run ${run.id} has no manifest`);
  return {
    studyId: run.studyId,
    roundId: round.id,
    n: round.n,
    recipe: run.recipe,
    sites: run.sites,
    manifest: run.manifest,
    updates: countedUpdates(round),
    previous,
  };
}

interface RoundFacts {
  readonly sites: number;
  readonly answered: number;
  readonly declined: number;
  readonly seconds: number;
  /** Mean of the sites' losses, weighted by images; null when none reported. */
  readonly loss: number | null;
}

/** What a round amounts to, for its row and its event. */
export function roundFacts({ assignments, openedAt }: RoundWithAssignments, now: Date): RoundFacts {
  const counted = assignments.filter(({ state }) => state === 'received');
  const { received, declined } = countAnswers(assignments);
  return {
    sites: assignments.length,
    answered: received,
    declined,
    seconds: (now.getTime() - openedAt.getTime()) / 1000,
    loss: meanLoss(counted),
  };
}

function meanLoss(assignments: readonly Assignment[]): number | null {
  const images = assignments.reduce((sum, assignment) => sum + (assignment.images ?? 0), 0);
  if (images === 0) return null;
  return assignments.reduce((sum, { loss, images: weight }) => sum + ((loss ?? 0) * (weight ?? 0)) / images, 0);
}

/** In an order that does not depend on that of their arrival. */
function countedUpdates(round: RoundWithAssignments): ReceivedUpdate[] {
  return round.assignments.flatMap((assignment) => {
    const { id, siteId, state, updateSha256, report } = assignment;
    if (state !== 'received' || updateSha256 === null || report?.kind !== 'train') return [];
    const { images, steps } = report;
    return [{ id, siteId, sha256: updateSha256, images, steps, staleness: stalenessOf(round, assignment) }];
  });
}
