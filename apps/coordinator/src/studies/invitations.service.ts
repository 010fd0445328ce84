import { Inject, Injectable } from '@nestjs/common';
import { TributaryError, type invitationResponseSchema } from '@tributary/protocol';
import type { z } from 'zod';
import { AuditService } from '../audit/audit.service.js';
import type { Principal } from '../platform/access/access.js';
import { randomSecret, secretHash } from '../platform/access/secret-hash.js';
import { Clock, after } from '../platform/clock/clock.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { CoordinatorConfig } from '../platform/config/coordinator-config.js';
import { Database, type Db } from '../platform/database/database.js';
import { InvitationRepository, type Invitation } from './invitation.repository.js';

export type { Invitation };

@Injectable()
export class InvitationsService {
  constructor(
    private readonly database: Database,
    private readonly invitations: InvitationRepository,
    private readonly audit: AuditService,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: CoordinatorConfig,
  ) {}

  /** Makes a one-time token for a site; the answer is the only place where it is ever shown. */
  async invite(
    invited: { studyId: string; siteId: string },
    by: Principal,
  ): Promise<z.infer<typeof invitationResponseSchema>> {
    const token = randomSecret('tbi');
    const expiresAt = after(this.clock.now(), this.config.invitationSeconds);
    await this.database.transaction(async (db) => {
      await this.invitations.create(db, { ...invited, tokenSha256: secretHash(token), expiresAt, usedAt: null });
      const detail = { studyId: invited.studyId, expiresAt: expiresAt.toISOString() };
      await this.audit.append(db, { actor: by.id, action: 'site.invited', subject: invited.siteId, detail });
    });
    return { siteId: invited.siteId, token, expiresAt: expiresAt.toISOString() };
  }

  /** @throws TributaryError ENROL_TOKEN_INVALID. */
  async find(token: string): Promise<Invitation> {
    const invitation = await this.invitations.find(this.database.db, secretHash(token));
    if (invitation === null) throw new TributaryError('ENROL_TOKEN_INVALID');
    return invitation;
  }

  /**
   * Uses the invitation up in the caller's transaction.
   *
   * @throws TributaryError ENROL_TOKEN_USED, ENROL_TOKEN_EXPIRED.
   */
  async use(db: Db, { tokenSha256, expiresAt }: Invitation): Promise<void> {
    const now = this.clock.now();
    if (expiresAt <= now) throw new TributaryError('ENROL_TOKEN_EXPIRED');
    if (!(await this.invitations.use(db, tokenSha256, now))) throw new TributaryError('ENROL_TOKEN_USED');
  }
}
