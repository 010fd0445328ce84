import { Injectable } from '@nestjs/common';
import { LIVE_ROUND_STATES, TributaryError, type RoundState } from '@tributary/protocol';
import { z } from 'zod';
import { Prisma } from '../../generated/prisma/client.js';
import type { Db } from '../../platform/database/database.js';
import { isLiving } from '../../platform/replicas/instance.js';
import { storedJson } from '../../platform/database/stored-json.js';
import { toAssignment, type Assignment } from '../assignments/assignment.repository.js';
import { nextRoundState } from './round.states.js';

const timingsSchema = z.object({ collectMs: z.number(), aggregateMs: z.number() });
export type RoundTimings = z.infer<typeof timingsSchema>;

export interface Round {
  readonly id: string;
  readonly runId: string;
  readonly n: number;
  readonly attempt: number;
  readonly kind: 'train' | 'evaluate';
  readonly state: RoundState;
  readonly openedAt: Date;
  readonly deadlineAt: Date;
  readonly closedAt: Date | null;
  readonly reason: string | null;
  readonly loss: number | null;
  readonly bytesUp: number;
  readonly timings: RoundTimings | null;
}

/** A round with its assignments, ascending by site id. */
export interface RoundWithAssignments extends Round {
  readonly assignments: readonly Assignment[];
}

export type RoundPatch = Partial<
  Pick<Round, 'state' | 'attempt' | 'deadlineAt' | 'closedAt' | 'reason' | 'loss' | 'bytesUp' | 'timings'>
>;

const WITH_ASSIGNMENTS = { assignments: { orderBy: { siteId: 'asc' } } } as const;
type RoundHeadRow = Prisma.RoundGetPayload<object>;
type RoundRow = Prisma.RoundGetPayload<{ include: typeof WITH_ASSIGNMENTS }>;

export type RoundPlace = Pick<Round, 'kind' | 'n'>;
/** A bound for what is remembered of rounds, far above those that are open at a time. */
const MOST_PLACES = 10_000;

@Injectable()
export class RoundRepository {
  private readonly places = new Map<string, RoundPlace>();

  async create(
    db: Db,
    round: Pick<Round, 'id' | 'runId' | 'n' | 'attempt' | 'kind' | 'openedAt' | 'deadlineAt'>,
  ): Promise<void> {
    await db.round.create({ data: round });
  }

  /** The first round that has not ended, else the last one. */
  async current(db: Db, runId: string): Promise<RoundWithAssignments | null> {
    const [first] = await this.live(db, runId);
    if (first !== undefined) return first;
    const row = await db.round.findFirst({
      where: { runId },
      orderBy: [{ n: 'desc' }, { attempt: 'desc' }],
      include: WITH_ASSIGNMENTS,
    });
    return row === null ? null : toRound(row);
  }

  /** Rounds that have not ended, ascending. One; asynchronous runs fill a round while they aggregate the one before. */
  async live(db: Db, runId: string): Promise<RoundWithAssignments[]> {
    const rows = await db.round.findMany({
      where: { runId, state: { in: LIVE_ROUND_STATES } },
      orderBy: { n: 'asc' },
      include: WITH_ASSIGNMENTS,
    });
    return rows.map(toRound);
  }

  async find(db: Db, id: string): Promise<RoundWithAssignments | null> {
    const row = await db.round.findUnique({ where: { id }, include: WITH_ASSIGNMENTS });
    return row === null ? null : toRound(row);
  }

  /** The first site to accept makes the round collect; for the others nothing changes. */
  async accept(db: Db, id: string): Promise<void> {
    await db.round.updateMany({
      where: { id, state: 'offered' },
      data: { state: nextRoundState('offered', 'accept') },
    });
  }

  /** Those that exist, by id, without their assignments. */
  async heads(db: Db, ids: readonly string[]): Promise<Map<string, Round>> {
    const rows = await db.round.findMany({ where: { id: { in: [...ids] } } });
    return new Map(rows.map((row) => [row.id, toHead(row)]));
  }

  /** What kind of answers a round wants, which never changes. */
  async placeOf(db: Db, id: string): Promise<RoundPlace | null> {
    const known =
      this.places.get(id) ?? (await db.round.findUnique({ where: { id }, select: { kind: true, n: true } }));
    if (known === null) return null;
    if (this.places.size >= MOST_PLACES) this.places.clear();
    this.places.set(id, known);
    return known;
  }

  /** All rounds of a run, in the order of their opening. */
  async list(db: Db, runId: string): Promise<RoundWithAssignments[]> {
    const rows = await db.round.findMany({
      where: { runId },
      orderBy: [{ n: 'asc' }, { attempt: 'asc' }],
      include: WITH_ASSIGNMENTS,
    });
    return rows.map(toRound);
  }

  /** @throws TributaryError ROUND_STALE_TRANSITION when the round left the state that was read. */
  async save(db: Db, { id, state }: Pick<Round, 'id' | 'state'>, { timings, ...patch }: RoundPatch): Promise<void> {
    const { count } = await db.round.updateMany({
      where: { id, state },
      data: { ...patch, ...(timings === undefined || timings === null ? {} : { timings: storedJson(timings) }) },
    });
    if (count === 0) throw new TributaryError('ROUND_STALE_TRANSITION', { roundId: id });
  }

  /**
   * Takes or prolongs the right to aggregate a round, by the database's clock.
   *
   * @returns False while another process that lives holds it.
   */
  async lease(db: Db, id: string, { owner, seconds }: { owner: string; seconds: number }): Promise<boolean> {
    const count = await db.$executeRaw`
      UPDATE "Round" SET "leaseOwner" = ${owner}, "leaseUntil" = now() + make_interval(secs => ${seconds})
      WHERE "id" = ${id} AND "state" = 'aggregating'
        AND ("leaseOwner" IS NULL OR "leaseOwner" = ${owner} OR "leaseUntil" < now()
          OR NOT ${isLiving(Prisma.sql`"leaseOwner"`)})`;
    return count > 0;
  }
}

function toRound({ assignments, ...row }: RoundRow): RoundWithAssignments {
  return { ...toHead(row), assignments: assignments.map(toAssignment) };
}

function toHead({ timings, bytesUp, ...row }: RoundHeadRow): Round {
  return { ...row, bytesUp: Number(bytesUp), timings: timings === null ? null : timingsSchema.parse(timings) };
}
