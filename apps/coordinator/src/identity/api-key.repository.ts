import { Injectable } from '@nestjs/common';
import type { Principal } from '../platform/access/access.js';
import type { Db } from '../platform/database/database.js';

export interface NewApiKey {
  readonly id: string;
  readonly name: string;
  readonly role: 'admin' | 'researcher';
  readonly keySha256: string;
}

@Injectable()
export class ApiKeyRepository {
  /** Keeps the key unless one with the same hash is known. */
  async add(db: Db, key: NewApiKey): Promise<void> {
    await db.apiKey.upsert({ where: { keySha256: key.keySha256 }, create: key, update: {} });
  }

  async findActive(db: Db, keySha256: string): Promise<Principal | null> {
    const row = await db.apiKey.findUnique({ where: { keySha256 } });
    return row === null || row.revokedAt !== null ? null : { role: row.role, id: row.id, name: row.name };
  }

  async list(db: Db): Promise<Omit<NewApiKey, 'keySha256'>[]> {
    return db.apiKey.findMany({
      where: { revokedAt: null },
      select: { id: true, name: true, role: true },
      orderBy: { createdAt: 'asc' },
    });
  }

  /** @returns False when there is no such active key. */
  async revoke(db: Db, id: string, at: Date): Promise<boolean> {
    const { count } = await db.apiKey.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: at } });
    return count > 0;
  }
}
