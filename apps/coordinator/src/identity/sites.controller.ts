import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { approvalRequestSchema, siteIdSchema, trainingHoursRequestSchema, type Site } from '@tributary/protocol';
import type { z } from 'zod';
import { Caller, type Principal } from '../platform/access/access.js';
import { SitesService } from './sites.service.js';

@Controller('v1/sites')
export class SitesController {
  constructor(private readonly sites: SitesService) {}

  @Get()
  list(): Promise<Site[]> {
    return this.sites.list();
  }

  @Get(':id')
  show(@Param('id', { schema: siteIdSchema }) id: string): Promise<Site> {
    return this.sites.show(id);
  }

  /** Approves a site whose fingerprint the admin has compared with the hospital. */
  @Post(':id/approve')
  @HttpCode(200)
  approve(
    @Param('id', { schema: siteIdSchema }) id: string,
    @Body({ schema: approvalRequestSchema }) request: z.infer<typeof approvalRequestSchema>,
    @Caller() caller: Principal,
  ): Promise<Site> {
    return this.sites.approve(id, request.fingerprint, caller);
  }

  /** When the site may be asked to train; `trainingHours: null` means at any time. */
  @Post(':id/training-hours')
  @HttpCode(200)
  setTrainingHours(
    @Param('id', { schema: siteIdSchema }) id: string,
    @Body({ schema: trainingHoursRequestSchema }) request: z.infer<typeof trainingHoursRequestSchema>,
    @Caller() caller: Principal,
  ): Promise<Site> {
    return this.sites.setTrainingHours(id, request.trainingHours, caller);
  }

  /** Shuts a site out at once. */
  @Post(':id/revoke')
  @HttpCode(200)
  revoke(@Param('id', { schema: siteIdSchema }) id: string, @Caller() caller: Principal): Promise<Site> {
    return this.sites.revoke(id, caller);
  }
}
