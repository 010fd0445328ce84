import { Injectable } from '@nestjs/common';
import type { Db } from '../platform/database/database.js';

export interface Challenge {
  readonly sha256: string;
  readonly siteId: string;
  readonly expiresAt: Date;
}

@Injectable()
export class ChallengeRepository {
  async createAll(db: Db, challenges: readonly Challenge[]): Promise<void> {
    await db.challenge.createMany({ data: [...challenges] });
  }

  /** Uses challenges up. @returns Those that were there and had not expired, by hash. */
  async consumeAll(db: Db, sha256s: readonly string[], now: Date): Promise<Map<string, Challenge>> {
    const rows = await db.$queryRaw<Challenge[]>`
      DELETE FROM "Challenge" WHERE "sha256" = ANY(${sha256s}) RETURNING "sha256", "siteId", "expiresAt"`;
    return new Map(rows.filter(({ expiresAt }) => expiresAt > now).map((row) => [row.sha256, row]));
  }

  /** @returns How many were removed. */
  async removeExpired(db: Db, now: Date): Promise<number> {
    return (await db.challenge.deleteMany({ where: { expiresAt: { lte: now } } })).count;
  }
}
