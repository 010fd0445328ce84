import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { LARGEST_INTEGER } from '../platform/database/largest-integer.js';
import { wholeNumber } from '../platform/requests/whole-number.js';
import type { AuditEntry } from './audit-chain.js';
import { AuditService, type AuditVerdict } from './audit.service.js';

const pageSchema = z.strictObject({
  after: wholeNumber(0, LARGEST_INTEGER).default(0),
  limit: wholeNumber(1, 1000).default(200),
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
