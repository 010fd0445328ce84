import { Body, Controller, Get, HttpCode, Ip, Post } from '@nestjs/common';
import {
  challengeRequestSchema,
  enrolmentRequestSchema,
  tokenRequestSchema,
  type challengeResponseSchema,
  type enrolmentResponseSchema,
  type tokenResponseSchema,
  type whoamiSchema,
} from '@tributary/protocol';
import type { z } from 'zod';
import { Allow, Anonymous, Caller, type Principal } from '../platform/access/access.js';
import { Clock } from '../platform/clock/clock.js';
import { AttemptLimiter } from './attempt-limiter.js';
import { AuthenticationService } from './authentication.service.js';
import { EnrolmentService } from './enrolment.service.js';

@Controller('v1')
export class AuthenticationController {
  constructor(
    private readonly authentication: AuthenticationService,
    private readonly enrolment: EnrolmentService,
    private readonly limiter: AttemptLimiter,
    private readonly clock: Clock,
  ) {}

  /** A site registers its public key with the one-time token that the admin gave it. */
  @Anonymous()
  @Post('enrolment')
  @HttpCode(200)
  enrol(
    @Body({ schema: enrolmentRequestSchema }) request: z.infer<typeof enrolmentRequestSchema>,
    @Ip() address: string,
  ): Promise<z.infer<typeof enrolmentResponseSchema>> {
    return this.limiter.attempt(address, this.clock.now(), () => this.enrolment.enrol(request));
  }

  /** A site asks for something to sign. */
  @Anonymous()
  @Post('auth/challenge')
  @HttpCode(200)
  challenge(
    @Body({ schema: challengeRequestSchema }) request: z.infer<typeof challengeRequestSchema>,
  ): Promise<z.infer<typeof challengeResponseSchema>> {
    return this.authentication.challenge(request.siteId);
  }

  /** A site gets its short-lived access token for the signed challenge. */
  @Anonymous()
  @Post('auth/token')
  @HttpCode(200)
  token(
    @Body({ schema: tokenRequestSchema }) request: z.infer<typeof tokenRequestSchema>,
    @Ip() address: string,
  ): Promise<z.infer<typeof tokenResponseSchema>> {
    return this.limiter.attempt(address, this.clock.now(), () => this.authentication.token(request));
  }

  @Allow('admin', 'researcher', 'site')
  @Get('whoami')
  whoami(@Caller() { role, name }: Principal): z.infer<typeof whoamiSchema> {
    return { role, name };
  }
}
