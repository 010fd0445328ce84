import { Controller, Get, Param, Query } from '@nestjs/common';
import { runIdSchema, type ModelVersion, type Release } from '@tributary/protocol';
import { z } from 'zod';
import { Allow, Caller, type Principal } from '../platform/access/access.js';
import { LARGEST_INTEGER } from '../platform/database/largest-integer.js';
import { wholeNumber } from '../platform/requests/whole-number.js';
import { ModelCatalogueService } from './model-catalogue.service.js';

const filterSchema = z.strictObject({ runId: runIdSchema.optional() });
const roundSchema = wholeNumber(0, LARGEST_INTEGER);

@Controller('v1')
@Allow('admin', 'researcher')
export class ModelsController {
  constructor(private readonly catalogue: ModelCatalogueService) {}

  /** Versions of one run or of all; researchers see released ones. */
  @Get('models')
  list(
    @Query({ schema: filterSchema }) { runId }: z.infer<typeof filterSchema>,
    @Caller() caller: Principal,
  ): Promise<ModelVersion[]> {
    return this.catalogue.list(runId, caller);
  }

  @Get('models/:runId/:round')
  show(
    @Param('runId', { schema: runIdSchema }) runId: string,
    @Param('round', { schema: roundSchema }) round: number,
    @Caller() caller: Principal,
  ): Promise<ModelVersion> {
    return this.catalogue.show(runId, round, caller);
  }

  /** Lineage and signature of a run's release. */
  @Get('releases/:runId')
  release(@Param('runId', { schema: runIdSchema }) runId: string): Promise<Release> {
    return this.catalogue.release(runId);
  }
}
