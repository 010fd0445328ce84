import { Prisma } from '../../generated/prisma/client.js';
import type { DatabaseSession } from '../database/database-session.js';

/** Injection token of the {@link Instance}. */
export const INSTANCE = Symbol('Instance');

/** This process among the coordinators on one database. */
export interface Instance {
  readonly id: string;
}

/** With an instance's id it names the advisory lock that the instance holds while it lives. */
const LIFE_SEED = 7421;

/** Makes an instance known as living, for as long as the session lasts. */
export async function announceLife(session: DatabaseSession, { id }: Instance): Promise<void> {
  await session.onEach(async (query) => {
    await query(`SELECT pg_advisory_lock_shared(hashtextextended($1, ${LIFE_SEED}))`, [id]);
  });
}

/**
 * SQL: whether the instance of that id lives. What a dead one had begun may be taken over at once.
 *
 * @param id An expression of type text.
 */
export function isLiving(id: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`EXISTS (
    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (classid::bigint << 32 | objid::bigint) = hashtextextended(${id}, ${LIFE_SEED}::bigint))`;
}
