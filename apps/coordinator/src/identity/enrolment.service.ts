import { Injectable } from '@nestjs/common';
import { TributaryError, type enrolmentRequestSchema, type enrolmentResponseSchema } from '@tributary/protocol';
import type { z } from 'zod';
import { AuditService } from '../audit/audit.service.js';
import { Database, type Db } from '../platform/database/database.js';
import { InvitationsService, type Invitation } from '../studies/invitations.service.js';
import { fingerprintOf, isSignedBy } from './ed25519.js';
import { SiteRepository } from './site.repository.js';

type EnrolmentRequest = z.infer<typeof enrolmentRequestSchema>;
type EnrolmentResponse = z.infer<typeof enrolmentResponseSchema>;

@Injectable()
export class EnrolmentService {
  constructor(
    private readonly database: Database,
    private readonly sites: SiteRepository,
    private readonly invitations: InvitationsService,
    private readonly audit: AuditService,
  ) {}

  /**
   * Registers a site's public key under a one-time token. A site that was interrupted may send the same again.
   *
   * @throws TributaryError ENROL_TOKEN_INVALID, ENROL_TOKEN_USED, ENROL_TOKEN_EXPIRED, ENROL_KEY_INVALID.
   */
  async enrol({ token, publicKey, signature }: EnrolmentRequest): Promise<EnrolmentResponse> {
    if (!isSignedBy(publicKey, `tributary-enrol:${token}`, signature)) {
      throw new TributaryError('ENROL_KEY_INVALID', { detail: 'the signature does not prove possession of the key' });
    }
    const invitation = await this.invitations.find(token);
    const fingerprint = fingerprintOf(publicKey);
    const state = await this.database.transaction(async (db) => {
      const known = await this.sites.find(db, invitation.siteId);
      if (known?.publicKey === publicKey && known.studies.includes(invitation.studyId)) return known.state;
      await this.invitations.use(db, invitation);
      return this.admit(db, invitation, publicKey);
    });
    return { siteId: invitation.siteId, studyId: invitation.studyId, fingerprint, state };
  }

  private async admit(db: Db, { siteId, studyId }: Invitation, publicKey: string) {
    const known = await this.sites.find(db, siteId);
    const fingerprint = fingerprintOf(publicKey);
    if (known !== null && known.publicKey !== publicKey && known.state === 'approved') {
      throw new TributaryError('ENROL_KEY_INVALID', { detail: 'the site has another key; revoke it first' });
    }
    if (known?.publicKey !== publicKey) await this.sites.register(db, { id: siteId, publicKey, fingerprint });
    await this.sites.join(db, { studyId, siteId });
    await this.audit.append(db, {
      actor: siteId,
      action: 'site.enrolled',
      subject: siteId,
      detail: { studyId, fingerprint },
    });
    return known?.publicKey === publicKey ? known.state : 'pending';
  }
}
