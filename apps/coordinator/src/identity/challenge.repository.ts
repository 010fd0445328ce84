import { Injectable } from '@nestjs/common';
import type { Db } from '../platform/database/database.js';

@Injectable()
export class ChallengeRepository {
  async create(db: Db, challenge: { sha256: string; siteId: string; expiresAt: Date }): Promise<void> {
    await db.challenge.create({ data: challenge });
  }

  /** Uses a challenge up. @returns False when it is unknown, used, expired or another site's. */
  async consume(db: Db, challenge: { sha256: string; siteId: string }, now: Date): Promise<boolean> {
    const { count } = await db.challenge.deleteMany({ where: { ...challenge, expiresAt: { gt: now } } });
    return count > 0;
  }

  /** @returns How many were removed. */
  async removeExpired(db: Db, now: Date): Promise<number> {
    return (await db.challenge.deleteMany({ where: { expiresAt: { lte: now } } })).count;
  }
}
