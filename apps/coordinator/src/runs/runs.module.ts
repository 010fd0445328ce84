import { Module } from '@nestjs/common';
import { AggregationModule } from '../aggregation/aggregation.module.js';
import { EvaluationModule } from '../evaluation/evaluation.module.js';
import { ModelsModule } from '../models/models.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { StudiesModule } from '../studies/studies.module.js';
import { ApprovalsService } from './approvals.service.js';
import { AssignmentAnswersService } from './assignment-answers.service.js';
import { AssignmentRepository } from './assignment.repository.js';
import { AssignmentsService } from './assignments.service.js';
import { AsynchronousRoundsService } from './asynchronous-rounds.service.js';
import { ConclusionService } from './conclusion.service.js';
import { MetricsController } from './metrics.controller.js';
import { OpenWorkService } from './open-work.service.js';
import { ProgressService } from './progress.service.js';
import { PublicationService } from './publication.service.js';
import { RecipeAnswerRepository } from './recipe-answer.repository.js';
import { RecipeAnswersService } from './recipe-answers.service.js';
import { RoundLeases } from './round-leases.js';
import { RoundOpeningService } from './round-opening.service.js';
import { RoundRepository } from './round.repository.js';
import { RoundsService } from './rounds.service.js';
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
    OpenWorkService,
    ProgressService,
    PublicationService,
    RecipeAnswerRepository,
    RecipeAnswersService,
    RoundLeases,
    RoundOpeningService,
    RoundRepository,
    RoundsService,
    RunChanges,
    RunDriver,
    RunEventRepository,
    RunNotices,
    RunRepository,
    RunStepsService,
    RunViewsService,
    RunsService,
  ],
  exports: [AssignmentsService, OpenWorkService, ProgressService, RecipeAnswersService, RunDriver, RunsService],
})
export class RunsModule {}
