import { Injectable } from '@nestjs/common';
import { assignmentId, toProblem, type TributaryError } from '@tributary/protocol';
import { SitesService } from '../../identity/sites.service.js';
import { VersionsService, type Version } from '../../models/versions.service.js';
import { after } from '../../platform/clock/clock.js';
import { SiteHints } from '../../platform/hints/site-hints.js';
import { FreeSpaceService } from '../../storage/free-space.service.js';
import { AssignmentRepository } from '../assignments/assignment.repository.js';
import { bufferOf } from './buffer.js';
import { offerOf } from '../assignments/offers.js';
import { RoundRepository, type Round } from './round.repository.js';
import type { RunChange } from '../run-change.js';
import { chooseSites, type SiteChoice } from './site-sampling.js';

export type RoundPart = Pick<Round, 'n' | 'attempt' | 'kind'>;

/** What became of a round that was to be opened. */
export type Opening =
  { readonly kind: 'opened' | 'postponed' } | { readonly kind: 'no-space'; readonly shortage: TributaryError };

/** Opens rounds, each inside of the caller's change of the run. */
@Injectable()
export class RoundOpeningService {
  constructor(
    private readonly rounds: RoundRepository,
    private readonly assignments: AssignmentRepository,
    private readonly versions: VersionsService,
    private readonly sites: SitesService,
    private readonly freeSpace: FreeSpaceService,
    private readonly hints: SiteHints,
  ) {}

  /**
   * A round with an offer to each site that is chosen; they are told when it is committed. Nothing is opened outside of
   * the sites' training hours (the run says until when it waits), nor when the disk has no room for it.
   *
   * @param known The version that it starts from, when the caller has it.
   */
  async open(change: RunChange, part: RoundPart, known?: Version): Promise<Opening> {
    const choice = await this.choose(change, part);
    if (choice.kind === 'wait') {
      change.set({ nextRoundAt: choice.until, nextRoundWaitsFor: choice.for });
      return { kind: 'postponed' };
    }
    const latest = known ?? (await this.versions.get(change.db, change.run.id, part.n - 1));
    const shortage = await this.shortage(change, part, { awaitedSites: choice.siteIds.length, latest });
    if (shortage !== null) return { kind: 'no-space', shortage };
    await this.create(change, part, { siteIds: choice.siteIds, latest });
    return { kind: 'opened' };
  }

  /** Resumes a run that was paused for want of space and opens its round, if there is room now. */
  async resumeWithSpace(change: RunChange, part: RoundPart): Promise<boolean> {
    const latest = await this.versions.get(change.db, change.run.id, part.n - 1);
    const awaitedSites = change.run.sites.length;
    if ((await this.shortage(change, part, { awaitedSites, latest })) !== null) return false;
    change.move('resume', { by: 'coordinator', reason: 'there is room for the next round' });
    change.set({ problem: null, pauseCause: null });
    // The buffer of an asynchronous run is open already: its sites are offered at the next look.
    if (bufferOf(change.run.recipe) === null || (await this.rounds.live(change.db, change.run.id)).length === 0) {
      await this.open(change, part, latest);
    }
    return true;
  }

  /** Stops a run that has no room for its next round; it goes on by itself when there is. */
  pauseForSpace(change: RunChange, shortage: TributaryError): void {
    change.move('pause', { reason: shortage.message, cause: 'storage' });
    change.set({ problem: toProblem(shortage), pauseCause: 'storage' });
  }

  private async choose({ db, next: run, now }: RunChange, { n, attempt, kind }: RoundPart): Promise<SiteChoice> {
    const approved = await this.sites.schedulableIn(db, run.studyId);
    const members = approved.filter(({ id }) => run.sites.includes(id));
    if (kind === 'evaluate') return { kind: 'ask', siteIds: members.map(({ id }) => id) };
    return chooseSites(members, { recipe: run.recipe, n, attempt }, now);
  }

  private shortage(
    { db, run }: RunChange,
    { kind }: RoundPart,
    { awaitedSites, latest }: { awaitedSites: number; latest: Version },
  ): Promise<TributaryError | null> {
    return this.freeSpace.shortageFor(db, run.id, {
      kind,
      recipe: run.recipe,
      awaitedSites,
      weightsBytes: latest.weights.sizeBytes,
    });
  }

  private async create(
    change: RunChange,
    part: RoundPart,
    { siteIds, latest }: { siteIds: readonly string[]; latest: Version },
  ): Promise<void> {
    const { db, now, next: run } = change;
    const round = newRound(change, part);
    const assignments = siteIds.map((siteId) => ({
      id: assignmentId({ runId: run.id, round: part.n, attempt: part.attempt, siteId }),
      runId: run.id,
      roundId: round.id,
      siteId,
      baseVersion: part.n - 1,
      deadlineAt: round.deadlineAt,
      stageSince: now,
    }));
    const initial = part.kind === 'evaluate' ? await this.versions.get(db, run.id, 0) : latest;
    const { id, runId, n, attempt, kind, openedAt, deadlineAt } = round;
    await this.rounds.create(db, { id, runId, n, attempt, kind, openedAt, deadlineAt });
    await this.assignments.create(db, assignments);
    const counted = await this.assignments.lastCounted(db, run.id, siteIds);
    change.set({ nextRoundWaitsFor: null });
    change.record({ kind: 'round.opened', round: n, detail: { attempt, kind, sites: siteIds.length } });
    change.onCommit(() => {
      for (const assignment of assignments) {
        const countedRound = counted.get(assignment.siteId) ?? 0;
        const offer = offerOf({ run, round, versions: { initial, latest }, countedRound }, assignment);
        this.hints.tell(assignment.siteId, { event: 'assignment:offered', body: offer });
      }
    });
  }
}

function newRound({ next: run, now }: RunChange, part: RoundPart): Round {
  return {
    ...part,
    id: `${run.id}-r${part.n}-a${part.attempt}`,
    runId: run.id,
    openedAt: now,
    deadlineAt: after(now, run.recipe.rounds.deadlineSeconds),
    state: 'offered',
    closedAt: null,
    reason: null,
    loss: null,
    bytesUp: 0,
    timings: null,
  };
}
