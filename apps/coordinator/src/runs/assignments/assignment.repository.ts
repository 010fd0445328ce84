import { Injectable } from '@nestjs/common';
import {
  OPEN_ASSIGNMENT_STATES,
  TributaryError,
  assignmentReportSchema,
  problemSchema,
  type AssignmentProgress,
  type AssignmentReport,
  type AssignmentState,
  type Problem,
} from '@tributary/protocol';
import type { Assignment as AssignmentRow } from '../../generated/prisma/client.js';
import type { Db } from '../../platform/database/database.js';
import { storedJson } from '../../platform/database/stored-json.js';

export interface Assignment {
  readonly id: string;
  readonly runId: string;
  readonly roundId: string;
  readonly siteId: string;
  /** The model version that the site trains from. */
  readonly baseVersion: number;
  readonly state: AssignmentState;
  readonly deadlineAt: Date;
  readonly stage: string | null;
  /** When the present state or stage began. */
  readonly stageSince: Date;
  readonly imagesPerSecond: number | null;
  readonly done: number | null;
  readonly total: number | null;
  readonly images: number | null;
  readonly loss: number | null;
  readonly bytes: number | null;
  /** Sent to the site for it. */
  readonly bytesDown: number;
  readonly updateSha256: string | null;
  readonly report: AssignmentReport | null;
  readonly problem: Problem | null;
  readonly updatedAt: Date;
}

export type AssignmentPatch = Partial<
  Pick<Assignment, 'state' | 'images' | 'imagesPerSecond' | 'loss' | 'bytes' | 'updateSha256' | 'report' | 'problem'>
>;

/** States in which a site says how far it is. */
const WORKING_STATES: AssignmentState[] = ['accepted', 'training', 'uploading'];

/** How far a site said at that time that it is. */
export interface SiteProgress extends AssignmentProgress {
  readonly siteId: string;
  readonly state: AssignmentState;
  readonly at: Date;
}

/** What was sent to a site for an assignment. */
export interface SentBytes {
  readonly assignmentId: string;
  readonly siteId: string;
  readonly sentBytes: number;
}

/** What an offer fixes. */
export type NewAssignment = Pick<
  Assignment,
  'id' | 'runId' | 'roundId' | 'siteId' | 'baseVersion' | 'deadlineAt' | 'stageSince'
>;

@Injectable()
export class AssignmentRepository {
  async create(db: Db, assignments: readonly NewAssignment[]): Promise<void> {
    await db.assignment.createMany({ data: [...assignments] });
  }

  /** Those that exist, by id. */
  async findAll(db: Db, ids: readonly string[]): Promise<Map<string, Assignment>> {
    return byId(await db.assignment.findMany({ where: { id: { in: [...ids] } } }));
  }

  /** Those that exist, by id; nobody else changes them until the transaction ends. */
  async lockAll(db: Db, ids: readonly string[]): Promise<Map<string, Assignment>> {
    return byId(
      await db.$queryRaw<AssignmentRow[]>`
        SELECT * FROM "Assignment" WHERE "id" = ANY(${ids}) ORDER BY "id" FOR UPDATE`,
    );
  }

  /** Writes what changes of assignments that the transaction has locked, in one statement. */
  async saveAll(db: Db, assignments: readonly Assignment[]): Promise<void> {
    if (assignments.length === 0) return;
    await db.$executeRaw`
      UPDATE "Assignment" AS old SET
        "state" = new."state"::"AssignmentState", "images" = new."images", "loss" = new."loss", "bytes" = new."bytes",
        "updateSha256" = new."updateSha256", "report" = new."report", "problem" = new."problem",
        "updatedAt" = new."updatedAt", "stageSince" = new."stageSince"
      FROM jsonb_to_recordset(${JSON.stringify(assignments)}::jsonb) AS new(
        "id" text, "state" text, "images" int, "loss" float8, "bytes" bigint, "updateSha256" text, "report" jsonb,
        "problem" jsonb, "updatedAt" timestamp, "stageSince" timestamp)
      WHERE old."id" = new."id"`;
  }

  /** What sites may still answer. */
  async openOf(db: Db, siteIds: readonly string[]): Promise<Assignment[]> {
    const rows = await db.assignment.findMany({
      where: { siteId: { in: [...siteIds] }, state: { in: OPEN_ASSIGNMENT_STATES } },
      orderBy: { id: 'asc' },
    });
    return rows.map(toAssignment);
  }

  /** @throws TributaryError ASSIGNMENT_STALE_TRANSITION when it left the state that was read. */
  async save(
    db: Db,
    { id, state }: Assignment,
    { report, problem, ...patch }: AssignmentPatch,
    at: Date,
  ): Promise<void> {
    const { count } = await db.assignment.updateMany({
      where: { id, state },
      data: {
        ...patch,
        updatedAt: at,
        ...(patch.state === undefined || patch.state === state ? {} : { stageSince: at }),
        ...(report === undefined || report === null ? {} : { report: storedJson(report) }),
        ...(problem === undefined || problem === null ? {} : { problem: storedJson(problem) }),
      },
    });
    if (count === 0) throw new TributaryError('ASSIGNMENT_STALE_TRANSITION', { assignmentId: id });
  }

  /** Moves every open assignment of a round to `state`. @returns Those that were open. */
  async closeOpen(db: Db, roundId: string, { state, at }: { state: AssignmentState; at: Date }): Promise<Assignment[]> {
    const rows = await db.assignment.updateManyAndReturn({
      where: { roundId, state: { in: OPEN_ASSIGNMENT_STATES } },
      data: { state, updatedAt: at, stageSince: at },
    });
    return rows.map(toAssignment);
  }

  /** Gives the open assignments of a round to another one, which will count them. */
  async passOn(db: Db, { from, to }: { from: string; to: string }): Promise<void> {
    await db.assignment.updateMany({
      where: { roundId: from, state: { in: OPEN_ASSIGNMENT_STATES } },
      data: { roundId: to },
    });
  }

  /**
   * The last training round of a run that counts an update, by site; sites without one are not in it. Each site's rows are read
   * from the newest back: a run may have had ten thousands of rounds.
   */
  async lastCounted(db: Db, runId: string, siteIds: readonly string[]): Promise<Map<string, number>> {
    const rows = await db.$queryRaw<{ siteId: string; baseVersion: number }[]>`
      SELECT asked."siteId", last."baseVersion" FROM unnest(${[...siteIds]}::text[]) AS asked("siteId")
      CROSS JOIN LATERAL (
        SELECT sent."baseVersion" FROM "Assignment" AS sent JOIN "Round" ON "Round"."id" = sent."roundId"
        WHERE sent."runId" = ${runId} AND sent."siteId" = asked."siteId" AND sent."state" = 'received'
          AND "Round"."kind" = 'train' AND "Round"."state" = 'published'
        ORDER BY sent."baseVersion" DESC LIMIT 1) AS last`;
    return new Map(rows.map(({ siteId, baseVersion }) => [siteId, baseVersion + 1]));
  }

  /** How many assignments of a round have been answered with an update, and how many still may be. */
  async countAnswers(db: Db, roundId: string): Promise<{ received: number; open: number }> {
    const groups = await db.assignment.groupBy({ by: ['state'], where: { roundId }, _count: true });
    const sum = (states: readonly AssignmentState[]): number =>
      groups.reduce((total, { state, _count }) => total + (states.includes(state) ? _count : 0), 0);
    return { received: sum(['received']), open: sum(OPEN_ASSIGNMENT_STATES) };
  }

  /** How many open assignments there are in each stage. */
  async openByStage(db: Db): Promise<Map<string, number>> {
    const groups = await db.assignment.groupBy({
      by: ['state'],
      where: { state: { in: OPEN_ASSIGNMENT_STATES } },
      _count: true,
    });
    return new Map<string, number>([
      ...OPEN_ASSIGNMENT_STATES.map((state) => [state, 0] as const),
      ...groups.map(({ state, _count }) => [state, _count] as const),
    ]);
  }

  /** Keeps how far sites are, in one statement: not of those that have answered meanwhile, or are being counted just now. */
  async progressAll(db: Db, said: readonly SiteProgress[]): Promise<void> {
    await db.$executeRaw`
      WITH said AS (
        SELECT * FROM jsonb_to_recordset(${JSON.stringify(said)}::jsonb) AS said(
          "assignmentId" text, "siteId" text, "stage" text, "done" float8, "total" float8, "loss" float8,
          "imagesPerSecond" float8, "state" text, "at" timestamp)
      ), live AS (
        SELECT "Assignment"."id" FROM "Assignment" JOIN said
          ON said."assignmentId" = "Assignment"."id" AND said."siteId" = "Assignment"."siteId"
        WHERE "Assignment"."state"::text = ANY(${WORKING_STATES})
        ORDER BY "Assignment"."id" FOR UPDATE OF "Assignment" SKIP LOCKED
      )
      UPDATE "Assignment" AS old SET
        "stage" = said."stage", "state" = said."state"::"AssignmentState", "updatedAt" = said."at",
        "done" = said."done", "total" = said."total", "loss" = COALESCE(said."loss", old."loss"),
        "stageSince" = CASE WHEN old."stage" = said."stage" THEN old."stageSince" ELSE said."at" END,
        "imagesPerSecond" = COALESCE(said."imagesPerSecond",
          CASE WHEN old."stage" = said."stage" THEN old."imagesPerSecond" END)
      FROM said JOIN live ON live."id" = said."assignmentId"
      WHERE old."id" = said."assignmentId" AND old."siteId" = said."siteId"`;
  }

  /** Adds what sites were sent, in one statement. */
  async addSent(db: Db, sent: readonly SentBytes[]): Promise<void> {
    await db.$executeRaw`
      WITH sent AS (
        SELECT "assignmentId", "siteId", sum("sentBytes")::bigint AS "sentBytes"
        FROM jsonb_to_recordset(${JSON.stringify(sent)}::jsonb) AS sent(
          "assignmentId" text, "siteId" text, "sentBytes" bigint)
        GROUP BY "assignmentId", "siteId"
      ), found AS (
        SELECT "Assignment"."id", sent."sentBytes" FROM "Assignment" JOIN sent
          ON sent."assignmentId" = "Assignment"."id" AND sent."siteId" = "Assignment"."siteId"
        ORDER BY "Assignment"."id" FOR UPDATE OF "Assignment"
      )
      UPDATE "Assignment" AS old SET "bytesDown" = old."bytesDown" + found."sentBytes"
      FROM found WHERE old."id" = found."id"`;
  }
}

function byId(rows: readonly AssignmentRow[]): Map<string, Assignment> {
  return new Map(rows.map((row) => [row.id, toAssignment(row)]));
}

/** A row as the domain has it. @throws ZodError when its JSON is not what this version wrote. */
export function toAssignment({ report, problem, bytes, bytesDown, ...row }: AssignmentRow): Assignment {
  return {
    ...row,
    bytes: bytes === null ? null : Number(bytes),
    bytesDown: Number(bytesDown),
    report: report === null ? null : assignmentReportSchema.parse(report),
    problem: problem === null ? null : problemSchema.parse(problem),
  };
}
