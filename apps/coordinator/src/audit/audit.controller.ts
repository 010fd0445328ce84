import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { LARGEST_INTEGER } from '../platform/database/largest-integer.js';
import type { AuditEntry } from './audit-chain.js';
import { AuditService, type AuditVerdict } from './audit.service.js';

const pageSchema = z.object({
  after: z.coerce.number().int().min(0).max(LARGEST_INTEGER).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});

@Controller('v1/audit')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  /** Entries in order, a page at a time. */
  @Get()
  list(@Query({ schema: pageSchema }) page: z.infer<typeof pageSchema>): Promise<AuditEntry[]> {
    return this.audit.list(page.after, page.limit);
  }

  /** Recomputes the whole chain and names the first broken entry. */
  @Get('verify')
  verify(): Promise<AuditVerdict> {
    return this.audit.verify();
  }
}
