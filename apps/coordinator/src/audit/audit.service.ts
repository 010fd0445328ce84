import { Injectable } from '@nestjs/common';
import { Clock } from '../platform/clock/clock.js';
import { Database, type Db } from '../platform/database/database.js';
import { EMPTY_CHAIN, checkEntry, type AuditEntry, type AuditFact } from './audit-chain.js';
import { AuditRepository } from './audit.repository.js';

export type { AuditFact };

const PAGE = 1000;

export interface AuditVerdict {
  readonly ok: boolean;
  readonly entries: number;
  readonly firstBroken: number | null;
  readonly headHash: string;
}

@Injectable()
export class AuditService {
  constructor(
    private readonly database: Database,
    private readonly entries: AuditRepository,
    private readonly clock: Clock,
  ) {}

  /** Appends an entry in the caller's transaction: it is there exactly when the change it speaks of is. */
  append(db: Db, fact: AuditFact): Promise<void> {
    return this.appendAll(db, [fact]);
  }

  /** As {@link append}, for several: their order is that of the chain. */
  async appendAll(db: Db, facts: readonly AuditFact[]): Promise<void> {
    if (facts.length > 0) await this.entries.append(db, facts, this.clock.now());
  }

  list(after: number, limit: number): Promise<AuditEntry[]> {
    return this.entries.list(this.database.db, { after, limit });
  }

  /** Recomputes the chain from its first entry; a chain that was cut at its end disagrees with the head. */
  async verify(): Promise<AuditVerdict> {
    const head = await this.entries.head(this.database.db);
    let check = EMPTY_CHAIN;
    for (let after = 0; ; after += PAGE) {
      const page = await this.entries.list(this.database.db, { after, limit: PAGE });
      check = page.filter((entry) => entry.seq <= head.seq).reduce(checkEntry, check);
      if (page.length < PAGE || after > head.seq) break;
    }
    const isCut = check.firstBroken === null && (check.entries !== head.seq || check.lastHash !== head.hash);
    const firstBroken = isCut ? check.entries + 1 : check.firstBroken;
    return { ok: firstBroken === null, entries: check.entries, firstBroken, headHash: head.hash };
  }
}
