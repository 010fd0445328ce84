import { Module } from '@nestjs/common';
import { AggregationThread } from './aggregation-thread.js';
import { AggregationTurns } from './aggregation-turns.js';
import { AggregationService } from './aggregation.service.js';
import { InitialModelService } from './initial-model.service.js';

@Module({
  providers: [AggregationService, AggregationThread, AggregationTurns, InitialModelService],
  exports: [AggregationService, InitialModelService],
})
export class AggregationModule {}
