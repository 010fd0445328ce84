import { Module } from '@nestjs/common';
import { SiteInstallation } from '../config/site-installation.js';
import { CoordinatorClientModule } from '../coordinator-client/coordinator-client.module.js';
import { PolicyModule } from '../policy/policy.module.js';
import { TrainerProcessModule } from '../trainer-process/trainer-process.module.js';
import { AssignmentAdmission } from './assignment-admission.js';
import { AssignmentDelivery } from './assignment-delivery.js';
import { AssignmentRunner } from './assignment-runner.js';
import { AssignmentStore } from './assignment-store.js';
import { AssignmentWork } from './assignment-work.js';
import { EarlierFiles } from './earlier-files.js';
import { Ledger } from './ledger.js';
import { WorkLoop } from './work-loop.js';

@Module({
  imports: [CoordinatorClientModule, PolicyModule, TrainerProcessModule],
  providers: [
    {
      provide: AssignmentStore,
      inject: [SiteInstallation],
      useFactory: ({ paths, log }: SiteInstallation) => new AssignmentStore(paths.runs, log),
    },
    {
      provide: Ledger,
      inject: [SiteInstallation],
      useFactory: ({ paths }: SiteInstallation) => new Ledger(paths.ledgerFile),
    },
    AssignmentAdmission,
    AssignmentWork,
    EarlierFiles,
    AssignmentDelivery,
    AssignmentRunner,
    WorkLoop,
  ],
  exports: [WorkLoop],
})
export class AssignmentsModule {}
