import { Module } from '@nestjs/common';
import { AggregationModule } from '../aggregation/aggregation.module.js';
import { EvaluationModule } from '../evaluation/evaluation.module.js';
import { ModelsModule } from '../models/models.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { StudiesModule } from '../studies/studies.module.js';
import { ApprovalsService } from './proposal/approvals.service.js';
import { AssignmentAnswersService } from './assignments/assignment-answers.service.js';
import { AssignmentRepository } from './assignments/assignment.repository.js';
import { AssignmentsService } from './assignments/assignments.service.js';
import { AsynchronousRoundsService } from './rounds/asynchronous-rounds.service.js';
import { ConclusionService } from './rounds/conclusion.service.js';
import { MetricsController } from './metrics.controller.js';
import { OpenWorkService } from './assignments/open-work.service.js';
import { DownloadsService } from './assignments/downloads.service.js';
import { ProgressService } from './assignments/progress.service.js';
import { RevokedSitesService } from './assignments/revoked-sites.service.js';
import { PublicationService } from './rounds/publication.service.js';
import { RecipeAnswerRepository } from './proposal/recipe-answer.repository.js';
import { RecipeAnswersService } from './proposal/recipe-answers.service.js';
import { RunProposalsService } from './proposal/run-proposals.service.js';
import { StartWeightsService } from './proposal/start-weights.service.js';
import { RoundLeases } from './rounds/round-leases.js';
import { RoundOpeningService } from './rounds/round-opening.service.js';
import { RoundRepository } from './rounds/round.repository.js';
import { RoundsService } from './rounds/rounds.service.js';
import { RunChanges } from './run-change.js';
import { RunDriver } from './run-driver.service.js';
import { RunEventRepository } from './run-event.repository.js';
import { RunNotices } from './run-notices.js';
import { RunRepository } from './run.repository.js';
import { RunStepsService } from './run-steps.service.js';
import { RunViewsService } from './run-views.service.js';
import { RunsController } from './runs.controller.js';
import { RunsService } from './runs.service.js';

@Module({
  imports: [AggregationModule, EvaluationModule, ModelsModule, StorageModule, StudiesModule],
  controllers: [RunsController, MetricsController],
  providers: [
    ApprovalsService,
    AssignmentAnswersService,
    AssignmentRepository,
    AssignmentsService,
    AsynchronousRoundsService,
    ConclusionService,
    DownloadsService,
    OpenWorkService,
    ProgressService,
    PublicationService,
    RecipeAnswerRepository,
    RecipeAnswersService,
    RevokedSitesService,
    RoundLeases,
    RoundOpeningService,
    RoundRepository,
    RoundsService,
    RunChanges,
    RunDriver,
    RunEventRepository,
    RunNotices,
    RunProposalsService,
    RunRepository,
    RunStepsService,
    RunViewsService,
    RunsService,
    StartWeightsService,
  ],
  exports: [
    AssignmentsService,
    DownloadsService,
    OpenWorkService,
    ProgressService,
    RecipeAnswersService,
    RunDriver,
    RunsService,
  ],
})
export class RunsModule {}
