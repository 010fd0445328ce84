import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Head, Param, Patch, Post, Req, Res } from '@nestjs/common';
import { sha256Schema } from '@tributary/protocol';
import { Caller, type Principal } from '../platform/access/access.js';
import { closingWhenCut } from './tus-answer.js';
import { WeightsUploadsService } from './weights-uploads.service.js';

const SHA256 = { schema: sha256Schema };

/** tus 1.0.0: weights that a recipe's `startFrom` names; admins only. */
@Controller('v1/weights')
export class WeightsController {
  constructor(private readonly uploads: WeightsUploadsService) {}

  @Post()
  create(@Caller() caller: Principal, @Req() request: IncomingMessage, @Res() response: ServerResponse): Promise<void> {
    const exchange = { request, response };
    return closingWhenCut(exchange, this.uploads.create(caller.id, exchange));
  }

  /** How many bytes have arrived. */
  @Head(':sha256')
  offset(
    @Param('sha256', SHA256) sha256: string,
    @Caller() caller: Principal,
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    return this.uploads.tell(caller.id, sha256, { request, response });
  }

  /** The next bytes. */
  @Patch(':sha256')
  append(
    @Param('sha256', SHA256) sha256: string,
    @Caller() caller: Principal,
    @Req() request: IncomingMessage,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const exchange = { request, response };
    return closingWhenCut(exchange, this.uploads.append(caller.id, sha256, exchange));
  }
}
