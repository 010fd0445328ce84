import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { networkManifest } from '@tributary/diffusion/initial-model';
import { assertExchange } from '@tributary/federation';
import {
  TributaryError,
  assertTrainableAtSites,
  recordRecipe,
  type Recipe,
  type RunRequest,
} from '@tributary/protocol';
import { AuditService } from '../../audit/audit.service.js';
import { RefusalsService } from '../../audit/refusals.service.js';
import { SitesService } from '../../identity/sites.service.js';
import type { Principal } from '../../platform/access/access.js';
import { Clock, after } from '../../platform/clock/clock.js';
import { CONFIG } from '../../platform/config/config.module.js';
import type { CoordinatorConfig } from '../../platform/config/coordinator-config.js';
import { Database, type Db } from '../../platform/database/database.js';
import { SiteHints } from '../../platform/hints/site-hints.js';
import { StudiesService } from '../../studies/studies.service.js';
import { RunChanges, type RunChange } from '../run-change.js';
import { RunRepository } from '../run.repository.js';
import { StartWeightsService } from './start-weights.service.js';
import { assertFitsStudy } from './study-fit.js';

/** How a recipe becomes a run that the sites of its study are asked to approve. */
@Injectable()
export class RunProposalsService {
  constructor(
    private readonly database: Database,
    private readonly runs: RunRepository,
    private readonly studies: StudiesService,
    private readonly sites: SitesService,
    private readonly changes: RunChanges,
    private readonly hints: SiteHints,
    private readonly starts: StartWeightsService,
    private readonly audit: AuditService,
    private readonly refusals: RefusalsService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: CoordinatorConfig,
  ) {}

  /**
   * Stores a recipe whole and asks the study's sites to approve it.
   *
   * @returns The run's id.
   * @throws TributaryError NOT_FOUND (study), RECIPE_INCOMPATIBLE, RECIPE_STUDY_MISMATCH, QUORUM_LARGER_THAN_STUDY, ROUND_DEADLINE_PAST,
   *         START_WEIGHTS_MISSING, START_MODEL_UNFIT, SAFETENSORS_INVALID;
   *         the refusal is in the audit log then.
   */
  async propose(request: RunRequest, by: Principal): Promise<string> {
    try {
      return await this.store(request, by);
    } catch (error) {
      if (error instanceof TributaryError && error.spec.status < 500) {
        await this.refusals.note({ actor: by.id, subject: request.studyId, error });
      }
      throw error;
    }
  }

  private async store({ studyId, recipe, approvalDeadlineAt: asked }: RunRequest, by: Principal): Promise<string> {
    const approvalDeadlineAt = this.approvalDeadline(asked);
    const sites = await this.sitesFor(recipe, studyId);
    const id = `run-${randomBytes(4).toString('hex')}`;
    const recorded = recordRecipe(recipe);
    const { recipeSha256 } = recorded;
    const create = async (db: Db): Promise<void> => {
      await this.starts.hold(db, recipe);
      await this.runs.create(db, { id, studyId, name: recipe.name, approvalDeadlineAt }, recorded);
      const detail = { studyId, recipeSha256 };
      await this.audit.append(db, { actor: by.id, action: 'run.created', subject: id, detail });
    };
    const ask = (change: RunChange): Promise<void> => {
      change.move('propose');
      change.set({ sites });
      const hint = { event: 'run:proposed', body: { runId: id, recipeSha256 } } as const;
      change.onCommit(() => sites.forEach((siteId) => this.hints.tell(siteId, hint)));
      return Promise.resolve();
    };
    // In one transaction: a run that nobody was asked about would stay a draft for ever.
    await this.changes.change(id, ask, create);
    return id;
  }

  /** The sites that are asked, when all that is known before a run begins speaks for its recipe. */
  private async sitesFor(recipe: Recipe, studyId: string): Promise<readonly string[]> {
    assertTrainableAtSites(recipe);
    assertFitsStudy(recipe, await this.studies.get(studyId));
    const sites = await this.sites.approvedIn(this.database.db, studyId);
    if (recipe.rounds.quorum > sites.length) {
      const detail = `quorum ${recipe.rounds.quorum}, approved sites ${sites.length}`;
      throw new TributaryError('QUORUM_LARGER_THAN_STUDY', { detail });
    }
    assertExchange(networkManifest(recipe, sites.length), recipe.federation);
    await this.starts.assertFit(recipe, sites.length);
    return sites;
  }

  private approvalDeadline(asked: string | undefined): Date {
    const now = this.clock.now();
    if (asked === undefined) return after(now, this.config.approvalWindowSeconds);
    const deadline = new Date(asked);
    if (deadline > now) return deadline;
    const fields = [{ path: 'approvalDeadlineAt', expected: `later than ${now.toISOString()}` }];
    throw new TributaryError('ROUND_DEADLINE_PAST', { detail: 'approvalDeadlineAt', fields });
  }
}
