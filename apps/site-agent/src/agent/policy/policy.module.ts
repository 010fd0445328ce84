import { Module } from '@nestjs/common';
import { SiteInstallation } from '../config/site-installation.js';
import { CoordinatorClientModule } from '../coordinator-client/coordinator-client.module.js';
import { ProposalStore } from './proposal-store.js';
import { ProposedRecipes } from './proposed-recipes.js';
import { RecipeApprovals } from './recipe-approvals.js';

@Module({
  imports: [CoordinatorClientModule],
  providers: [
    {
      provide: ProposalStore,
      inject: [SiteInstallation],
      useFactory: ({ paths }: SiteInstallation) => new ProposalStore(paths.proposals),
    },
    ProposedRecipes,
    RecipeApprovals,
  ],
  exports: [ProposedRecipes, RecipeApprovals],
})
export class PolicyModule {}
