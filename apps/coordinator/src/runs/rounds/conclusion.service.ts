import { Injectable } from '@nestjs/common';
import { TributaryError, toProblem, type EvaluationResult, type Problem } from '@tributary/protocol';
import { AuditService } from '../../audit/audit.service.js';
import { EvaluationService } from '../../evaluation/evaluation.service.js';
import { ReleaseService, type CountedUpdate } from '../../models/release.service.js';
import { VersionsService } from '../../models/versions.service.js';
import { SiteHints } from '../../platform/hints/site-hints.js';
import { roundTraffic } from './round-traffic.js';
import { RoundRepository, type RoundWithAssignments } from './round.repository.js';
import { nextRoundState } from './round.states.js';
import { RunChanges, type RunChange } from '../run-change.js';
import { RunRepository, type Run } from '../run.repository.js';

/** From the last training round to the released model. */
@Injectable()
export class ConclusionService {
  constructor(
    private readonly evaluation: EvaluationService,
    private readonly versions: VersionsService,
    private readonly releases: ReleaseService,
    private readonly runs: RunRepository,
    private readonly rounds: RoundRepository,
    private readonly changes: RunChanges,
    private readonly hints: SiteHints,
    private readonly audit: AuditService,
  ) {}

  /** Scores what the sites sent, then releases, in one transaction. Scores that cannot be computed do not stop the release. */
  async scoreAndRelease(run: Run, round: RoundWithAssignments): Promise<void> {
    const outcome = await this.score(run, round);
    await this.changes.change(run.id, async (change) => {
      await this.rounds.save(change.db, round, {
        state: nextRoundState(round.state, 'publish'),
        closedAt: change.now,
        bytesUp: roundTraffic(run, round).bytesUp,
        ...(outcome.problem === null ? {} : { reason: outcome.problem.message }),
      });
      change.set({ evaluation: outcome.result, problem: outcome.problem });
      change.record({ kind: 'evaluation.done', round: round.n, detail: evaluationDetail(outcome) });
      await this.release(change);
    });
  }

  /** Releases without scores, when no site evaluated. */
  async releaseUnscored(run: Run): Promise<void> {
    await this.changes.change(run.id, (change) => this.release(change));
  }

  private async score(run: Run, round: RoundWithAssignments) {
    const results = round.assignments.flatMap(({ siteId, state, updateSha256 }) =>
      state === 'received' && updateSha256 !== null ? [{ siteId, sha256: updateSha256 }] : [],
    );
    try {
      return { result: await this.evaluation.score(run.recipe, results), problem: null };
    } catch (error) {
      if (!(error instanceof TributaryError)) throw error;
      return { result: null, problem: toProblem(error) };
    }
  }

  private async release(change: RunChange): Promise<void> {
    const { db, now, next: run } = change;
    const versions = await this.versions.list(run.id, db);
    const version = versions.at(-1);
    if (version === undefined) throw new TributaryError('NOT_FOUND', { detail: `model versions of ${run.id}` });
    const updates = countedByRound(await this.rounds.list(db, run.id));
    const recorded = await this.runs.recordedRecipe(db, run.id);
    await this.releases.create(db, { run, recorded, version, versions, updates, createdAt: now });
    const detail = {
      version: `${run.id}/${version.round}`,
      emaSha256: version.ema.sha256,
      evaluated: run.evaluation !== null,
    };
    change.record({ kind: 'release.created', round: version.round, detail });
    await this.audit.append(db, { actor: 'coordinator', action: 'release.created', subject: run.id, detail });
    change.move('complete');
    change.set({ endedAt: now });
    change.onCommit(() => {
      for (const siteId of run.sites) this.hints.tell(siteId, { event: 'run:ended', body: { runId: run.id } });
    });
  }
}

function evaluationDetail({ result, problem }: { result: EvaluationResult | null; problem: Problem | null }) {
  if (result === null) return { code: problem?.code ?? 'INTERNAL', reason: problem?.message ?? '' };
  return { before: result.before, after: result.after };
}

function countedByRound(rounds: readonly RoundWithAssignments[]): Map<number, CountedUpdate[]> {
  const published = rounds.filter(({ kind, state }) => kind === 'train' && state === 'published');
  return new Map(
    published.map(({ n, assignments }) => [
      n,
      assignments.flatMap(({ siteId, updateSha256, images }) =>
        updateSha256 === null ? [] : [{ siteId, sha256: updateSha256, images: images ?? 0 }],
      ),
    ]),
  );
}
