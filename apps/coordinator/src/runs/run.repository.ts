import { Injectable } from '@nestjs/common';
import {
  TributaryError,
  evaluationResultSchema,
  problemSchema,
  runStateSchema,
  type EvaluationResult,
  type PauseCause,
  type Problem,
  type Recipe,
  type RecordedRecipe,
  type RunState,
} from '@tributary/protocol';
import { parameterManifestSchema, type ParameterManifest } from '@tributary/protocol/manifest';
import { Prisma, type Run as RunRow } from '../generated/prisma/client.js';
import type { Db } from '../platform/database/database.js';
import { storedJson, storedJsonArray } from '../platform/database/stored-json.js';
import {
  RECORDED_RECIPE,
  knownRecipe,
  readStoredRecipe,
  readableRecipe,
  storedRecipe,
} from '../platform/database/stored-recipe.js';

export interface Run {
  readonly id: string;
  readonly studyId: string;
  readonly name: string;
  readonly recipe: Recipe;
  readonly recipeSha256: string;
  readonly state: RunState;
  /** Ascending; fixed when the run starts. */
  readonly sites: readonly string[];
  readonly eventSeq: number;
  /** Attempts of the next round that no longer count, because the run was resumed after them. */
  readonly attemptsForgiven: number;
  /** Known when the run has started. */
  readonly manifest: ParameterManifest | null;
  readonly approvalDeadlineAt: Date;
  readonly nextRoundAt: Date;
  /** What the next round waits for until then; null when it does not. */
  readonly nextRoundWaitsFor: string | null;
  readonly pauseCause: PauseCause | null;
  readonly problem: Problem | null;
  readonly evaluation: EvaluationResult | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

/** A run that some sites are told of. */
export interface ConcerningRun extends Pick<Run, 'id' | 'state' | 'recipeSha256'> {
  readonly siteIds: ReadonlySet<string>;
}

/** What of a run never changes once it has started. */
export type RunContract = Pick<Run, 'id' | 'recipe' | 'sites' | 'manifest'>;

export type RunPatch = Partial<
  Pick<
    Run,
    | 'state'
    | 'sites'
    | 'eventSeq'
    | 'attemptsForgiven'
    | 'manifest'
    | 'nextRoundAt'
    | 'nextRoundWaitsFor'
    | 'pauseCause'
    | 'problem'
    | 'evaluation'
    | 'startedAt'
    | 'endedAt'
  >
>;

const LIVE: RunState[] = ['approving', 'running', 'paused', 'evaluating'];
const MAX_LISTED = 500;

/** What never changes: a thousand sites' requests need not read it each time. */
const CONTRACT = { recipe: true, manifest: true } as const;
type ChangingRow = Omit<RunRow, keyof typeof CONTRACT>;

@Injectable()
export class RunRepository {
  /** Manifests never change, so parsed ones stay right. */
  private readonly manifests = new Map<string, ParameterManifest>();
  private readonly contracts = new Map<string, RunContract>();

  async create(
    db: Db,
    run: Pick<Run, 'id' | 'studyId' | 'name' | 'approvalDeadlineAt'>,
    recorded: RecordedRecipe,
  ): Promise<void> {
    await db.run.create({ data: { ...run, ...recorded, recipe: storedJson(recorded.recipe) } });
  }

  /** The recipe of a run as it was accepted. @throws TributaryError NOT_FOUND. */
  async recordedRecipe(db: Db, id: string): Promise<RecordedRecipe> {
    const row = await db.run.findUnique({ where: { id }, select: RECORDED_RECIPE });
    if (row === null) throw new TributaryError('NOT_FOUND', { detail: `run ${id}` });
    return storedRecipe(row);
  }

  async find(db: Db, id: string): Promise<Run | null> {
    const row = await db.run.findUnique({ where: { id }, omit: CONTRACT });
    return row === null ? null : this.withContract(db, row);
  }

  /** As `find`; null also for a run whose recipe this version cannot read, where the work for other runs goes on. */
  async findReadable(db: Db, id: string): Promise<Run | null> {
    try {
      return await this.find(db, id);
    } catch (error) {
      if (error instanceof TributaryError && error.code === 'DOCUMENT_UNREADABLE') return null;
      throw error;
    }
  }

  /** Sites of a run, whatever its recipe says. */
  async sites(db: Db, id: string): Promise<readonly string[] | null> {
    const row = await db.run.findUnique({ where: { id }, select: { sites: true } });
    return row === null ? null : row.sites;
  }

  /** The lasting part of a run, which is read once. */
  async contract(db: Db, id: string): Promise<RunContract | null> {
    const known = this.contracts.get(id);
    if (known !== undefined) return known;
    const run = await this.find(db, id);
    if (run === null) return null;
    const { recipe, sites, manifest } = run;
    const contract = { id, recipe, sites, manifest };
    if (run.startedAt !== null) this.contracts.set(id, contract);
    return contract;
  }

  /** Newest first; without those whose recipe this version cannot read, which `find` tells of. */
  async list(db: Db): Promise<Run[]> {
    const rows = await db.run.findMany({ orderBy: { createdAt: 'desc' }, take: MAX_LISTED });
    return rows.filter((row) => readableRecipe(row) !== null).map((row) => this.parsed(row));
  }

  /** Ids of the runs that may have something to do. */
  async live(db: Db): Promise<string[]> {
    const rows = await db.run.findMany({ where: { state: { in: LIVE } }, select: { id: true } });
    return rows.map(({ id }) => id);
  }

  /** How many runs are in each state. */
  async countByState(db: Db): Promise<Map<string, number>> {
    const groups = await db.run.groupBy({ by: ['state'], _count: true });
    return new Map<string, number>([
      ...runStateSchema.options.map((state) => [state, 0] as const),
      ...groups.map(({ state, _count }) => [state, _count] as const),
    ]);
  }

  /** Runs in one of `states` of the studies of some sites, oldest first, each with those of the sites that are in its study. */
  async concerning(
    db: Db,
    siteIds: readonly string[],
    { states, since }: { states: RunState[]; since: Date },
  ): Promise<ConcerningRun[]> {
    const rows = await db.run.findMany({
      where: { state: { in: states }, OR: [{ endedAt: null }, { endedAt: { gte: since } }] },
      orderBy: { createdAt: 'asc' },
      select: { id: true, state: true, recipeSha256: true, studyId: true },
    });
    if (rows.length === 0) return [];
    const members = await db.membership.findMany({
      where: { siteId: { in: [...siteIds] }, studyId: { in: rows.map(({ studyId }) => studyId) } },
    });
    const sitesOf = (studyId: string): string[] =>
      members.filter((member) => member.studyId === studyId).map(({ siteId }) => siteId);
    return rows.map(({ studyId, ...run }) => ({ ...run, siteIds: new Set(sitesOf(studyId)) }));
  }

  /** Reads a run and keeps its row locked until the transaction ends. */
  async lock(db: Db, id: string): Promise<Run> {
    try {
      const row = await db.run.update({ where: { id }, data: { eventSeq: { increment: 0 } }, omit: CONTRACT });
      return await this.withContract(db, row);
    } catch (error) {
      if (error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2025') {
        throw new TributaryError('NOT_FOUND', { detail: `run ${id}` });
      }
      throw error;
    }
  }

  /** @throws TributaryError RUN_STALE_TRANSITION when the run is no longer in the state and at the event that was read. */
  async save(db: Db, run: Run, { problem, evaluation, sites, manifest, ...patch }: RunPatch): Promise<void> {
    const { count } = await db.run.updateMany({
      where: { id: run.id, state: run.state, eventSeq: run.eventSeq },
      data: {
        ...patch,
        ...(sites === undefined ? {} : { sites: [...sites] }),
        ...(manifest === undefined || manifest === null ? {} : { manifest: storedJsonArray(manifest) }),
        ...(problem === undefined ? {} : { problem: problem === null ? Prisma.DbNull : storedJson(problem) }),
        ...(evaluation === undefined
          ? {}
          : { evaluation: evaluation === null ? Prisma.DbNull : storedJson(evaluation) }),
      },
    });
    if (count === 0) throw new TributaryError('RUN_STALE_TRANSITION', { runId: run.id });
  }

  /** The running runs of a site whose next round waits for something: they look at it again now. */
  async lookAgain(db: Db, siteId: string, now: Date): Promise<void> {
    const waiting = { state: 'running', sites: { has: siteId }, nextRoundWaitsFor: { not: null } } as const;
    await db.run.updateMany({ where: waiting, data: { nextRoundAt: now } });
  }

  /** Keeps what went wrong with a live run, outside of its changes: nothing about the run itself has changed. */
  async noteProblem(db: Db, id: string, problem: Problem): Promise<void> {
    await db.run.updateMany({ where: { id, state: { in: LIVE } }, data: { problem: storedJson(problem) } });
  }

  private async withContract(db: Db, row: ChangingRow): Promise<Run> {
    const recipe = knownRecipe(row.recipeSha256);
    // It has a manifest exactly when it was started.
    const manifest = row.startedAt === null ? null : this.manifests.get(row.id);
    if (recipe !== undefined && manifest !== undefined) return toRun(row, { recipe, manifest });
    const stored = await db.run.findUniqueOrThrow({ where: { id: row.id }, select: CONTRACT });
    return this.parsed({ ...row, ...stored });
  }

  private parsed({ recipe, manifest, ...row }: RunRow): Run {
    return toRun(row, {
      recipe: readStoredRecipe({ ...row, recipe }),
      manifest: manifest === null ? null : this.parseManifest(row.id, manifest),
    });
  }

  private parseManifest(runId: string, stored: unknown): ParameterManifest {
    const known = this.manifests.get(runId);
    if (known !== undefined) return known;
    const manifest = parameterManifestSchema.parse(stored);
    this.manifests.set(runId, manifest);
    return manifest;
  }
}

function toRun({ problem, evaluation, ...row }: ChangingRow, contract: Pick<Run, keyof typeof CONTRACT>): Run {
  return {
    ...row,
    ...contract,
    problem: problem === null ? null : problemSchema.parse(problem),
    evaluation: evaluation === null ? null : evaluationResultSchema.parse(evaluation),
  };
}
