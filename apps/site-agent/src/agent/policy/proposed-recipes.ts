import { Injectable } from '@nestjs/common';
import {
  readRecipe,
  recordedRecipeSchema,
  type Recipe,
  type RecordedRecipe,
  type RunProposal,
} from '@tributary/protocol';
import { AccessTokens } from '../coordinator-client/access-tokens.js';
import { CoordinatorHttp } from '../coordinator-client/coordinator-http.js';
import { ProposalStore } from './proposal-store.js';

/** The recipes of this site's runs: from the site's own store, or fetched and kept when they are what the hash names. */
@Injectable()
export class ProposedRecipes {
  private readonly read = new Map<string, Recipe>();

  constructor(
    private readonly proposals: ProposalStore,
    private readonly http: CoordinatorHttp,
    private readonly tokens: AccessTokens,
  ) {}

  /** @throws TributaryError RECIPE_INVALID for one that is not what the hash names, DOCUMENT_UNREADABLE for one of another version. */
  async recipe(proposal: RunProposal): Promise<Recipe> {
    const { recipeSha256 } = proposal;
    const known = this.read.get(recipeSha256);
    if (known !== undefined) return known;
    const recipe = readRecipe((await this.proposals.find(recipeSha256)) ?? (await this.fetch(proposal)));
    this.read.set(recipeSha256, recipe);
    return recipe;
  }

  private async fetch({ runId, recipeSha256 }: RunProposal): Promise<RecordedRecipe> {
    const answer = await this.tokens.use((accessToken) =>
      this.http.json('GET', `/v1/runs/${runId}/recipe`, { accessToken, schema: recordedRecipeSchema }),
    );
    const recorded = { ...answer, recipeSha256 };
    await this.proposals.save({ ...recorded, runId, receivedAt: new Date().toISOString() });
    return recorded;
  }
}
