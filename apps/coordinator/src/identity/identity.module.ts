import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { StudiesModule } from '../studies/studies.module.js';
import { AccessGuard } from './access.guard.js';
import { ApiKeyRepository } from './api-key.repository.js';
import { ApiKeysController } from './api-keys.controller.js';
import { ApiKeysService } from './api-keys.service.js';
import { AttemptLimiter } from './attempt-limiter.js';
import { AuthenticationController } from './authentication.controller.js';
import { AuthenticationService } from './authentication.service.js';
import { ChallengeRepository } from './challenge.repository.js';
import { EnrolmentService } from './enrolment.service.js';
import { SiteRepository } from './site.repository.js';
import { SitesController } from './sites.controller.js';
import { SitesService } from './sites.service.js';

@Global()
@Module({
  imports: [StudiesModule],
  controllers: [AuthenticationController, SitesController, ApiKeysController],
  providers: [
    { provide: APP_GUARD, useClass: AccessGuard },
    ApiKeyRepository,
    ApiKeysService,
    AttemptLimiter,
    AuthenticationService,
    ChallengeRepository,
    EnrolmentService,
    SiteRepository,
    SitesService,
  ],
  exports: [AuthenticationService, SitesService],
})
export class IdentityModule {}
