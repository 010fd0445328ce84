import { Injectable } from '@nestjs/common';
import type { Db } from '../platform/database/database.js';

export interface Invitation {
  readonly tokenSha256: string;
  readonly studyId: string;
  readonly siteId: string;
  readonly expiresAt: Date;
  readonly usedAt: Date | null;
}

@Injectable()
export class InvitationRepository {
  async create(db: Db, invitation: Invitation): Promise<void> {
    await db.invitation.create({ data: invitation });
  }

  async find(db: Db, tokenSha256: string): Promise<Invitation | null> {
    return db.invitation.findUnique({ where: { tokenSha256 } });
  }

  /** @returns False when it was used meanwhile: of two enrolments with one token only the first counts. */
  async use(db: Db, tokenSha256: string, at: Date): Promise<boolean> {
    const { count } = await db.invitation.updateMany({ where: { tokenSha256, usedAt: null }, data: { usedAt: at } });
    return count > 0;
  }
}
