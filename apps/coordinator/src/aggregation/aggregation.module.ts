import { Module } from '@nestjs/common';
import { UpdateThreadModule } from '../update-thread/update-thread.module.js';
import { AggregationTurns } from './aggregation-turns.js';
import { AggregationService } from './aggregation.service.js';
import { InitialModelService } from './initial-model.service.js';

@Module({
  imports: [UpdateThreadModule],
  providers: [AggregationService, AggregationTurns, InitialModelService],
  exports: [AggregationService, InitialModelService],
})
export class AggregationModule {}
