import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Head, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { TributaryError, assignmentIdSchema } from '@tributary/protocol';
import { RefusalsService } from '../audit/refusals.service.js';
import { Allow, Caller, type Principal } from '../platform/access/access.js';
import { UploadsService } from './uploads.service.js';

const ASSIGNMENT_ID = { schema: assignmentIdSchema };

/** tus 1.0.0; only the site of the assignment may. */
@Controller('v1/uploads')
@Allow('site')
export class UploadsController {
  constructor(
    private readonly uploads: UploadsService,
    private readonly refusals: RefusalsService,
  ) {}

  /** Creates an upload; a small one comes whole with this request. */
  @Post()
  create(@Caller() caller: Principal, @Req() request: IncomingMessage, @Res() response: ServerResponse): Promise<void> {
    return this.refused(caller, 'uploads', () => this.uploads.create(caller.id, request, response));
  }

  /** How many bytes have arrived. */
  @Head(':id')
  offset(
    @Param('id', ASSIGNMENT_ID) id: string,
    @Caller() caller: Principal,
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    return this.refused(caller, id, () => this.uploads.resume(caller.id, id, { request, response }));
  }

  /** The next bytes. */
  @Patch(':id')
  append(
    @Param('id', ASSIGNMENT_ID) id: string,
    @Caller() caller: Principal,
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    return this.refused(caller, id, () => this.uploads.resume(caller.id, id, { request, response }));
  }

  /** A site that sends what it may not, or too late, is in the audit log. */
  private async refused({ id: siteId }: Principal, subject: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof TributaryError && error.spec.status < 500) {
        const { assignmentId } = error.context;
        const about = typeof assignmentId === 'string' ? assignmentId : subject;
        await this.refusals.note({ actor: siteId, subject: about, error });
      }
      throw error;
    }
  }
}
