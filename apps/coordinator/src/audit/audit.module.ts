import { Global, Module } from '@nestjs/common';
import { AuditController } from './audit.controller.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';
import { RefusalsService } from './refusals.service.js';

@Global()
@Module({
  controllers: [AuditController],
  providers: [AuditService, RefusalsService, AuditRepository],
  exports: [AuditService, RefusalsService],
})
export class AuditModule {}
