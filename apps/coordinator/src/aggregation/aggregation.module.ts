import { Module } from '@nestjs/common';
import { AggregationThread } from './aggregation-thread.js';
import { AggregationService } from './aggregation.service.js';
import { InitialModelService } from './initial-model.service.js';

@Module({
  providers: [AggregationService, AggregationThread, InitialModelService],
  exports: [AggregationService, InitialModelService],
})
export class AggregationModule {}
