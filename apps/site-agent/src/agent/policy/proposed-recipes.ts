import { Injectable } from '@nestjs/common';
import { runRecipeSchema, type Recipe, type RunProposal } from '@tributary/protocol';
import { AccessTokens } from '../coordinator-client/access-tokens.js';
import { CoordinatorHttp } from '../coordinator-client/coordinator-http.js';
import { ProposalStore } from './proposal-store.js';

/** The recipes of this site's runs: from the site's own store, or fetched and kept when they are what the hash names. */
@Injectable()
export class ProposedRecipes {
  constructor(
    private readonly proposals: ProposalStore,
    private readonly http: CoordinatorHttp,
    private readonly tokens: AccessTokens,
  ) {}

  async recipe({ runId, recipeSha256 }: RunProposal): Promise<Recipe> {
    const known = await this.proposals.find(recipeSha256);
    if (known !== undefined) return known.recipe;
    const { recipe } = await this.tokens.use((accessToken) =>
      this.http.json('GET', `/v1/runs/${runId}/recipe`, { accessToken, schema: runRecipeSchema }),
    );
    await this.proposals.save({ runId, recipeSha256, recipe, receivedAt: new Date().toISOString() });
    return recipe;
  }
}
