import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { AuditEntry as AuditRow } from '../generated/prisma/client.js';
import type { Db } from '../platform/database/database.js';
import { storedJson } from '../platform/database/stored-json.js';
import { GENESIS_HASH, chainEntry, type AuditEntry, type AuditFact } from './audit-chain.js';

const detailSchema = z.record(z.string(), z.unknown());
const HEAD_ID = 1;

@Injectable()
export class AuditRepository {
  /** Appends entries in their order; the head row's lock puts the writers of all replicas in a line. */
  async append(db: Db, facts: readonly AuditFact[], at: Date): Promise<void> {
    let head: { seq: number; hash: string } = await db.auditHead.update({
      where: { id: HEAD_ID },
      data: { seq: { increment: 0 } },
    });
    const entries = facts.map((fact) => {
      const entry = chainEntry(head, fact, at);
      head = entry;
      return entry;
    });
    await db.auditEntry.createMany({
      data: entries.map((entry) => ({ ...entry, at, detail: storedJson(entry.detail) })),
    });
    await db.auditHead.update({ where: { id: HEAD_ID }, data: { seq: head.seq, hash: head.hash } });
  }

  async list(db: Db, page: { after: number; limit: number }): Promise<AuditEntry[]> {
    const rows = await db.auditEntry.findMany({
      where: { seq: { gt: page.after } },
      orderBy: { seq: 'asc' },
      take: page.limit,
    });
    return rows.map(toEntry);
  }

  /** The end of the chain as the head row states it. */
  async head(db: Db): Promise<{ seq: number; hash: string }> {
    const head = await db.auditHead.findUnique({ where: { id: HEAD_ID } });
    return head ?? { seq: 0, hash: GENESIS_HASH };
  }
}

function toEntry({ at, detail, ...row }: AuditRow): AuditEntry {
  return { ...row, at: at.toISOString(), detail: detailSchema.parse(detail) };
}
