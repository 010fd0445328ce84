import { Injectable, type OnModuleInit } from '@nestjs/common';
import { TributaryError, toProblem } from '@tributary/protocol';
import { SitesService } from '../../identity/sites.service.js';
import { Database } from '../../platform/database/database.js';
import { AssignmentRepository } from './assignment.repository.js';
import { AssignmentsService } from './assignments.service.js';

/** A site that is shut out will not answer: its rounds do not wait for it until their deadline. */
@Injectable()
export class RevokedSitesService implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly sites: SitesService,
    private readonly rows: AssignmentRepository,
    private readonly assignments: AssignmentsService,
  ) {}

  onModuleInit(): void {
    this.sites.onRevoked((siteId) => this.endOpen(siteId));
  }

  /** What it has sent before counts. Doing it twice changes nothing. */
  private async endOpen(siteId: string): Promise<void> {
    const problem = toProblem(new TributaryError('SITE_REVOKED'));
    for (const { id } of await this.rows.openOf(this.database.db, [siteId])) {
      await this.assignments.fail(siteId, { assignmentId: id, problem });
    }
  }
}
