import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import {
  invitationRequestSchema,
  studyIdSchema,
  studyRequestSchema,
  type Study,
  type invitationResponseSchema,
} from '@tributary/protocol';
import type { z } from 'zod';
import { Allow, Caller, type Principal } from '../platform/access/access.js';
import { InvitationsService } from './invitations.service.js';
import { StudiesService } from './studies.service.js';

@Controller('v1/studies')
export class StudiesController {
  constructor(
    private readonly studies: StudiesService,
    private readonly invitations: InvitationsService,
  ) {}

  @Post()
  create(
    @Body({ schema: studyRequestSchema }) request: z.infer<typeof studyRequestSchema>,
    @Caller() caller: Principal,
  ): Promise<Study> {
    return this.studies.create(request, caller);
  }

  @Get()
  @Allow('admin', 'researcher')
  list(): Promise<Study[]> {
    return this.studies.list();
  }

  @Get(':id')
  @Allow('admin', 'researcher')
  show(@Param('id', { schema: studyIdSchema }) id: string): Promise<Study> {
    return this.studies.get(id);
  }

  /** Invites a site: the one-time token in the answer is shown only here. */
  @Post(':id/invitations')
  async invite(
    @Param('id', { schema: studyIdSchema }) id: string,
    @Body({ schema: invitationRequestSchema }) request: z.infer<typeof invitationRequestSchema>,
    @Caller() caller: Principal,
  ): Promise<z.infer<typeof invitationResponseSchema>> {
    const study = await this.studies.get(id);
    return this.invitations.invite({ studyId: study.id, siteId: request.siteId }, caller);
  }
}
