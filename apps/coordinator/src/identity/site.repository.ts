import { Injectable } from '@nestjs/common';
import { trainingHoursSchema, type SiteState, type TrainingHours } from '@tributary/protocol';
import { Prisma } from '../generated/prisma/client.js';
import type { Db } from '../platform/database/database.js';
import { isLiving } from '../platform/replicas/instance.js';
import { storedJson } from '../platform/database/stored-json.js';

export interface RegisteredSite {
  readonly id: string;
  readonly publicKey: string;
  readonly fingerprint: string;
  readonly state: SiteState;
  readonly studies: readonly string[];
  readonly lastSeenAt: Date | null;
  /** Null: it may be asked to train at any time. */
  readonly trainingHours: TrainingHours | null;
}

/** What a site proves itself with, and whether it is let in. */
export type SiteCredentials = Pick<RegisteredSite, 'id' | 'state' | 'publicKey'>;

/** A site that may be asked, and when. */
export type SchedulableSite = Pick<RegisteredSite, 'id' | 'trainingHours'>;

const WITH_STUDIES = { memberships: { select: { studyId: true }, orderBy: { studyId: 'asc' } } } as const;
type SiteRow = Prisma.SiteGetPayload<{ include: typeof WITH_STUDIES }>;

@Injectable()
export class SiteRepository {
  async find(db: Db, id: string): Promise<RegisteredSite | null> {
    const row = await db.site.findUnique({ where: { id }, include: WITH_STUDIES });
    return row === null ? null : toSite(row);
  }

  async list(db: Db): Promise<RegisteredSite[]> {
    return (await db.site.findMany({ include: WITH_STUDIES, orderBy: { id: 'asc' } })).map(toSite);
  }

  /** What sites are known by, by id: asked for with every request of a site. */
  async credentials(db: Db, ids: readonly string[]): Promise<Map<string, SiteCredentials>> {
    const rows = await db.site.findMany({
      where: { id: { in: [...ids] } },
      select: { id: true, state: true, publicKey: true },
    });
    return new Map(rows.map((row) => [row.id, row]));
  }

  async countApprovedIn(db: Db, studyId: string): Promise<number> {
    return db.site.count({ where: { state: 'approved', memberships: { some: { studyId } } } });
  }

  /** Ids of the approved sites of a study, ascending. */
  async approvedIn(db: Db, studyId: string): Promise<string[]> {
    const rows = await db.site.findMany({
      where: { state: 'approved', memberships: { some: { studyId } } },
      select: { id: true },
    });
    return rows.map(({ id }) => id).sort();
  }

  /** The approved sites of a study with their hours, ascending by id. */
  async schedulableIn(db: Db, studyId: string): Promise<SchedulableSite[]> {
    const rows = await db.site.findMany({
      where: { state: 'approved', memberships: { some: { studyId } } },
      select: { id: true, trainingHours: true },
      orderBy: { id: 'asc' },
    });
    return rows.map(({ id, trainingHours }) => ({ id, trainingHours: toHours(trainingHours) }));
  }

  async setTrainingHours(db: Db, id: string, hours: TrainingHours | null): Promise<void> {
    const trainingHours = hours === null ? Prisma.DbNull : storedJson(hours);
    await db.site.updateMany({ where: { id }, data: { trainingHours } });
  }

  /** Puts a site with its key in state `pending`, or gives an existing one a new key. */
  async register(db: Db, site: Pick<RegisteredSite, 'id' | 'publicKey' | 'fingerprint'>): Promise<void> {
    const { id, publicKey, fingerprint } = site;
    const fresh = { publicKey, fingerprint, state: 'pending' } as const;
    await db.site.upsert({ where: { id }, create: { id, ...fresh }, update: fresh });
  }

  async join(db: Db, membership: { studyId: string; siteId: string }): Promise<void> {
    await db.membership.upsert({ where: { studyId_siteId: membership }, create: membership, update: {} });
  }

  /** @returns False when the site is not in state `from` any more. */
  async changeState(db: Db, id: string, { from, to }: { from: SiteState[]; to: SiteState }): Promise<boolean> {
    const { count } = await db.site.updateMany({ where: { id, state: { in: from } }, data: { state: to } });
    return count > 0;
  }

  /** @param instanceId Of the replica that holds their connections. */
  async connected(db: Db, ids: readonly string[], { at, instanceId }: { at: Date; instanceId: string }): Promise<void> {
    await db.site.updateMany({ where: { id: { in: [...ids] } }, data: { lastSeenAt: at, connectedTo: instanceId } });
  }

  /** The sites may be connected to another replica by now: that stays. */
  async disconnected(
    db: Db,
    ids: readonly string[],
    { at, instanceId }: { at: Date; instanceId: string },
  ): Promise<void> {
    const id = { in: [...ids] };
    await db.site.updateMany({ where: { id }, data: { lastSeenAt: at } });
    await db.site.updateMany({ where: { id, connectedTo: instanceId }, data: { connectedTo: null } });
  }

  /** Ids of the sites that are connected to a replica that lives. */
  async connectedSites(db: Db): Promise<Set<string>> {
    const rows = await db.$queryRaw<{ id: string }[]>`
      SELECT "id" FROM "Site" WHERE "connectedTo" IS NOT NULL AND ${isLiving(Prisma.sql`"connectedTo"`)}`;
    return new Set(rows.map(({ id }) => id));
  }
}

function toSite({ memberships, ...row }: SiteRow): RegisteredSite {
  const { id, publicKey, fingerprint, state, lastSeenAt } = row;
  const studies = memberships.map(({ studyId }) => studyId);
  return { id, publicKey, fingerprint, state, lastSeenAt, studies, trainingHours: toHours(row.trainingHours) };
}

function toHours(stored: unknown): TrainingHours | null {
  return stored === null ? null : trainingHoursSchema.parse(stored);
}
