import { Injectable } from '@nestjs/common';
import { assignmentId } from '@tributary/protocol';
import { SitesService } from '../../identity/sites.service.js';
import { VersionsService } from '../../models/versions.service.js';
import { after } from '../../platform/clock/clock.js';
import { SiteHints } from '../../platform/hints/site-hints.js';
import { FreeSpaceService } from '../../storage/free-space.service.js';
import { AssignmentRepository, type Assignment, type NewAssignment } from '../assignments/assignment.repository.js';
import { idleSites, type IdleSite } from './buffer.js';
import { countAnswers } from '../next-step.js';
import { offerOf } from '../assignments/offers.js';
import { RoundOpeningService } from './round-opening.service.js';
import { RoundRepository, type RoundWithAssignments } from './round.repository.js';
import type { RunChange } from '../run-change.js';
import { isWithinHours } from './training-hours.js';

/** What asynchronous runs do instead of opening rounds; each inside of the caller's change of the run. */
@Injectable()
export class AsynchronousRoundsService {
  constructor(
    private readonly rounds: RoundRepository,
    private readonly assignments: AssignmentRepository,
    private readonly versions: VersionsService,
    private readonly sites: SitesService,
    private readonly freeSpace: FreeSpaceService,
    private readonly openings: RoundOpeningService,
    private readonly hints: SiteHints,
  ) {}

  /**
   * Offers the newest version to the sites that have nothing to do and are within their hours. Doing it twice offers once.
   *
   * @returns False when there was none, or no room for what they would send (the run is paused then).
   */
  async offer(change: RunChange, round: RoundWithAssignments): Promise<boolean> {
    const idle = await this.available(change, round);
    if (idle.length === 0) return false;
    const { db, next: run } = change;
    const version = await this.versions.get(db, run.id, round.n - 1);
    const awaitedSites = idle.length + countAnswers(round.assignments).open;
    const sizes = { kind: round.kind, recipe: run.recipe, awaitedSites, weightsBytes: version.weights.sizeBytes };
    const shortage = await this.freeSpace.shortageFor(db, run.id, sizes);
    if (shortage !== null) {
      this.openings.pauseForSpace(change, shortage);
      return false;
    }
    const offered = idle.map((site) => newAssignment(change, round, site));
    await this.assignments.create(db, offered);
    const siteIds = offered.map(({ siteId }) => siteId);
    const counted = await this.assignments.lastCounted(db, run.id, siteIds);
    for (const siteId of siteIds) {
      change.record({ kind: 'assignment.state', round: round.n, siteId, detail: { state: 'offered' } });
    }
    change.onCommit(() => {
      for (const assignment of offered) {
        const { siteId } = assignment;
        const versions = { initial: version, latest: version };
        const body = offerOf({ run, round, versions, countedRound: counted.get(siteId) ?? 0 }, assignment);
        this.hints.tell(siteId, { event: 'assignment:offered', body });
      }
    });
    return true;
  }

  /** Ends assignments whose time is up; their sites are offered the newest version. */
  async expire(change: RunChange, round: RoundWithAssignments, late: readonly Assignment[]): Promise<void> {
    for (const assignment of late) {
      await this.assignments.save(change.db, assignment, { state: 'expired' }, change.now);
      const { id, siteId } = assignment;
      change.record({ kind: 'assignment.state', round: round.n, siteId, detail: { state: 'expired' } });
      change.onCommit(() => this.hints.tell(siteId, { event: 'assignment:withdrawn', body: { assignmentId: id } }));
    }
  }

  private async available({ db, next: run, now }: RunChange, round: RoundWithAssignments): Promise<IdleSite[]> {
    const approved = await this.sites.schedulableIn(db, run.studyId);
    const members = approved.filter(({ id }) => run.sites.includes(id));
    const awake = members.filter(({ trainingHours }) => isWithinHours(trainingHours, now));
    return idleSites(
      awake.map(({ id }) => id),
      round,
    );
  }
}

function newAssignment(
  { run, now }: RunChange,
  round: RoundWithAssignments,
  { siteId, offers }: IdleSite,
): NewAssignment {
  return {
    id: assignmentId({ runId: run.id, round: round.n, attempt: offers, siteId }),
    runId: run.id,
    roundId: round.id,
    siteId,
    baseVersion: round.n - 1,
    deadlineAt: after(now, run.recipe.rounds.deadlineSeconds),
    stageSince: now,
  };
}
