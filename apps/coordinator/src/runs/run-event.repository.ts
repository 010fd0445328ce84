import { Injectable } from '@nestjs/common';
import { runEventSchema, type RunEvent } from '@tributary/protocol';
import type { Db } from '../platform/database/database.js';
import { storedJson } from '../platform/database/stored-json.js';

const PAGE = 500;

@Injectable()
export class RunEventRepository {
  async append(db: Db, runId: string, events: readonly RunEvent[]): Promise<void> {
    if (events.length === 0) return;
    await db.runEvent.createMany({
      data: events.map(({ detail, ...event }) => ({ ...event, runId, detail: storedJson(detail) })),
    });
  }

  /** The events behind `after`, in order, a page at most. */
  async list(db: Db, runId: string, after: number): Promise<RunEvent[]> {
    const rows = await db.runEvent.findMany({
      where: { runId, seq: { gt: after } },
      orderBy: { seq: 'asc' },
      take: PAGE,
    });
    return rows.map(({ at, ...row }) => runEventSchema.parse({ ...row, at: at.toISOString() }));
  }
}
