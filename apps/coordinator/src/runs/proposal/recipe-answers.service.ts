import { Injectable } from '@nestjs/common';
import { TributaryError, type RecipeAnswer } from '@tributary/protocol';
import { AuditService } from '../../audit/audit.service.js';
import { SitesService } from '../../identity/sites.service.js';
import { TogetherByKey } from '../../platform/together/together.js';
import { RecipeAnswerRepository } from './recipe-answer.repository.js';
import { RunChanges, type RunChange } from '../run-change.js';

interface SaidAnswer {
  readonly siteId: string;
  readonly answer: RecipeAnswer;
}

/** What sites say to the recipes of runs. Answers that come at the same time share a transaction, in the order of arrival. */
@Injectable()
export class RecipeAnswersService {
  private readonly answering = new TogetherByKey((runId, said: readonly SaidAnswer[]) => this.answerAll(runId, said));

  constructor(
    private readonly answers: RecipeAnswerRepository,
    private readonly sites: SitesService,
    private readonly changes: RunChanges,
    private readonly audit: AuditService,
  ) {}

  /**
   * Keeps a site's answer to a recipe; while the run waits, a later answer replaces an earlier one.
   *
   * @throws TributaryError NOT_FOUND, RECIPE_NOT_APPROVED (another hash).
   */
  async answer(siteId: string, answer: RecipeAnswer): Promise<void> {
    const refusal = await this.answering.ask(answer.runId, { siteId, answer });
    if (refusal !== null) throw refusal;
  }

  private answerAll(runId: string, said: readonly SaidAnswer[]): Promise<(TributaryError | null)[]> {
    return this.changes.change(runId, async (change) => {
      const members = new Set(await this.sites.approvedIn(change.db, change.run.studyId));
      const refusals = said.map((each) => refusalOf(change, members, each));
      const good = said.filter((_, index) => refusals[index] === null);
      if (change.run.state === 'approving') await this.keep(change, good);
      return refusals;
    });
  }

  private async keep(change: RunChange, said: readonly SaidAnswer[]): Promise<void> {
    const { db, run } = change;
    // Of a site that answers twice, the last word counts.
    const last = [...new Map(said.map((each) => [each.siteId, each.answer])).entries()];
    const decisions = last.map(([siteId, { decision, reason = null }]) => ({
      siteId,
      approved: decision === 'approve',
      reason,
    }));
    const changed = await this.answers.putAll(db, run.id, decisions);
    const told = decisions.filter(({ siteId }) => changed.has(siteId));
    for (const { siteId, approved, reason } of told) {
      const decision = approved ? 'approve' : 'decline';
      change.record({ kind: 'recipe.answered', siteId, detail: { decision, ...(reason === null ? {} : { reason }) } });
    }
    const facts = told.map(({ siteId, approved, reason }) => ({
      actor: siteId,
      action: approved ? 'recipe.approved' : 'recipe.declined',
      subject: run.id,
      detail: { recipeSha256: run.recipeSha256, reason },
    }));
    await this.audit.appendAll(db, facts);
  }
}

function refusalOf(
  { run }: RunChange,
  members: ReadonlySet<string>,
  { siteId, answer }: SaidAnswer,
): TributaryError | null {
  if (!members.has(siteId)) return new TributaryError('NOT_FOUND', { detail: `run ${run.id}` });
  if (answer.recipeSha256 === run.recipeSha256) return null;
  return new TributaryError('RECIPE_NOT_APPROVED', { detail: 'another hash' });
}
