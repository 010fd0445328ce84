import { Module } from '@nestjs/common';
import { fileURLToPath } from 'node:url';
import { SiteInstallation } from '../config/site-installation.js';
import { PolicyModule } from '../policy/policy.module.js';
import { ProposedRecipes } from '../policy/proposed-recipes.js';
import { RunTrainers } from './run-trainers.js';
import { trainerEnvironment } from './trainer-environment.js';
import type { TrainerLaunch } from './trainer-process.js';

/** The program that reads the images, next to this one. */
const TRAINER_MAIN = fileURLToPath(new URL('../../trainer/main.js', import.meta.url));

function trainerLaunch(): TrainerLaunch {
  return {
    command: process.execPath,
    arguments: [TRAINER_MAIN],
    environment: trainerEnvironment(process.env),
  };
}

@Module({
  imports: [PolicyModule],
  providers: [
    {
      provide: RunTrainers,
      inject: [SiteInstallation, ProposedRecipes],
      useFactory: (installation: SiteInstallation, recipes: ProposedRecipes) =>
        new RunTrainers(installation, recipes, trainerLaunch()),
    },
  ],
  exports: [RunTrainers],
})
export class TrainerProcessModule {}
