import { Injectable } from '@nestjs/common';
import { TributaryError, type Recipe, type RunProposal } from '@tributary/protocol';
import { networkManifest } from '@tributary/diffusion/initial-model';
import { parameterCount } from '@tributary/protocol/manifest';
import { SiteInstallation } from '../config/site-installation.js';
import { CoordinatorSocket } from '../coordinator-client/coordinator-socket.js';
import { loadApprovals } from './approvals.js';
import { loadPolicy } from './policy-file.js';
import { ProposedRecipes } from './proposed-recipes.js';
import { decideRecipe, type RecipeDecision } from './recipe-decision.js';

/** Answers proposed recipes by the site's policy, and tells which recipes may be trained. */
@Injectable()
export class RecipeApprovals {
  private readonly answered = new Set<string>();
  private readonly asked = new Map<string, RunProposal>();
  private readonly parameters = new Map<string, number>();

  constructor(
    private readonly installation: SiteInstallation,
    private readonly recipes: ProposedRecipes,
    private readonly socket: CoordinatorSocket,
  ) {}

  /** Answers a proposal, or leaves it open where a person has to decide first. */
  async consider(proposal: RunProposal, signal: AbortSignal): Promise<void> {
    const { runId, recipeSha256 } = proposal;
    if (this.answered.has(runId)) return;
    const answer = await this.decide(await this.recipes.recipe(proposal), recipeSha256);
    const { log } = this.installation;
    if (answer.decision === 'ask') {
      if (!this.asked.has(runId)) log.info(proposal, 'a recipe waits for approval: tributary agent approve HASH');
      this.asked.set(runId, proposal);
      return;
    }
    await this.socket.answerRecipe({ ...proposal, ...answer }, signal);
    this.answered.add(runId);
    this.asked.delete(runId);
    log.info({ ...proposal, ...answer }, 'recipe answered');
  }

  /** Looks again at what waits for a person. */
  async reconsider(signal: AbortSignal): Promise<void> {
    for (const proposal of [...this.asked.values()]) await this.consider(proposal, signal);
  }

  /**
   * That this site trains by a recipe under its policy as it is now.
   *
   * @returns The recipe.
   * @throws TributaryError RECIPE_NOT_APPROVED or POLICY_DECLINED.
   */
  async requireApproved(proposal: RunProposal): Promise<Recipe> {
    const recipe = await this.recipes.recipe(proposal);
    const answer = await this.decide(recipe, proposal.recipeSha256);
    if (answer.decision === 'approve') return recipe;
    if (answer.decision === 'ask') throw new TributaryError('RECIPE_NOT_APPROVED');
    throw new TributaryError('POLICY_DECLINED', { detail: answer.reason });
  }

  private async decide(recipe: Recipe, recipeSha256: string): Promise<RecipeDecision> {
    const { paths } = this.installation;
    const [policy, approvals] = await Promise.all([loadPolicy(paths.policyFile), loadApprovals(paths.approvalsFile)]);
    const approvedByHand = approvals.some((approval) => approval.recipeSha256 === recipeSha256);
    const parameters = this.parameters.get(recipeSha256) ?? countParameters(recipe);
    this.parameters.set(recipeSha256, parameters);
    return decideRecipe(policy, { recipe, parameters, approvedByHand });
  }
}

/** A run has at least as many sites as its quorum; more sites only add embedding rows. */
function countParameters(recipe: Recipe): number {
  return parameterCount(networkManifest(recipe, recipe.rounds.quorum));
}
