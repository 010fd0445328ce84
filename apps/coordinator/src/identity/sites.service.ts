import { Inject, Injectable } from '@nestjs/common';
import { TributaryError, type Site, type TrainingHours } from '@tributary/protocol';
import { AuditService } from '../audit/audit.service.js';
import type { Principal } from '../platform/access/access.js';
import { Clock } from '../platform/clock/clock.js';
import { Database, type Db } from '../platform/database/database.js';
import { INSTANCE, type Instance } from '../platform/replicas/instance.js';
import { SiteHints } from '../platform/hints/site-hints.js';
import { Together } from '../platform/together/together.js';
import { SiteRepository, type RegisteredSite, type SchedulableSite, type SiteCredentials } from './site.repository.js';

export type { RegisteredSite, SchedulableSite, SiteCredentials };

/** Told in the transaction that changes a site's hours. */
type HoursListener = (db: Db, siteId: string) => Promise<void>;
/** Told when a site is shut out. */
type RevocationListener = (siteId: string) => Promise<void>;

@Injectable()
export class SitesService {
  private readonly knowing: Together<string, SiteCredentials | null>;
  private readonly hoursListeners: HoursListener[] = [];
  private readonly revocationListeners: RevocationListener[] = [];

  constructor(
    private readonly database: Database,
    private readonly sites: SiteRepository,
    private readonly audit: AuditService,
    private readonly hints: SiteHints,
    private readonly clock: Clock,
    @Inject(INSTANCE) private readonly instance: Instance,
  ) {
    this.knowing = new Together(async (ids) => {
      const known = await this.sites.credentials(this.database.db, ids);
      return ids.map((id) => known.get(id) ?? null);
    });
  }

  async list(): Promise<Site[]> {
    const { db } = this.database;
    const connected = await this.sites.connectedSites(db);
    return (await this.sites.list(db)).map((site) => view(site, connected));
  }

  /** @throws TributaryError NOT_FOUND. */
  async show(id: string): Promise<Site> {
    return view(await this.get(id), await this.sites.connectedSites(this.database.db));
  }

  /**
   * Lets a site in after its fingerprint was compared. Approving twice is approving once.
   *
   * @throws TributaryError SITE_FINGERPRINT_MISMATCH, SITE_REVOKED, NOT_FOUND.
   */
  async approve(id: string, fingerprint: string, by: Principal): Promise<Site> {
    const site = await this.get(id);
    if (site.fingerprint !== fingerprint) throw new TributaryError('SITE_FINGERPRINT_MISMATCH', { siteId: id });
    if (site.state === 'revoked') throw new TributaryError('SITE_REVOKED', { siteId: id });
    await this.database.transaction(async (db) => {
      if (!(await this.sites.changeState(db, id, { from: ['pending'], to: 'approved' }))) return;
      await this.audit.append(db, { actor: by.id, action: 'site.approved', subject: id, detail: { fingerprint } });
    });
    return this.show(id);
  }

  /**
   * Shuts a site out at once: its tokens stop working, its sockets are dropped, and no round waits for it any more. Again, after
   * a crash, it does the rest.
   */
  async revoke(id: string, by: Principal): Promise<Site> {
    await this.get(id);
    await this.database.transaction(async (db) => {
      if (!(await this.sites.changeState(db, id, { from: ['pending', 'approved'], to: 'revoked' }))) return;
      await this.audit.append(db, { actor: by.id, action: 'site.revoked', subject: id, detail: {} });
    });
    this.hints.tell(id, { event: 'site:revoked', body: { siteId: id } });
    for (const listener of this.revocationListeners) await listener(id);
    return this.show(id);
  }

  /** When the site may be asked to train; null: at any time. Rounds that are open are not touched. */
  async setTrainingHours(id: string, hours: TrainingHours | null, by: Principal): Promise<Site> {
    await this.get(id);
    await this.database.transaction(async (db) => {
      await this.sites.setTrainingHours(db, id, hours);
      for (const listener of this.hoursListeners) await listener(db, id);
      const detail = { trainingHours: hours };
      await this.audit.append(db, { actor: by.id, action: 'site.training-hours', subject: id, detail });
    });
    return this.show(id);
  }

  onHoursChanged(listener: HoursListener): void {
    this.hoursListeners.push(listener);
  }

  onRevoked(listener: RevocationListener): void {
    this.revocationListeners.push(listener);
  }

  schedulableIn(db: Db, studyId: string): Promise<SchedulableSite[]> {
    return this.sites.schedulableIn(db, studyId);
  }

  countApprovedIn(db: Db, studyId: string): Promise<number> {
    return this.sites.countApprovedIn(db, studyId);
  }

  async countConnected(): Promise<number> {
    return (await this.sites.connectedSites(this.database.db)).size;
  }

  approvedIn(db: Db, studyId: string): Promise<string[]> {
    return this.sites.approvedIn(db, studyId);
  }

  /** What a site proves itself with, as it is now; null for a site that is not known. */
  credentials(id: string): Promise<SiteCredentials | null> {
    return this.knowing.ask(id);
  }

  /** Notes which sites have connected to this replica, and which ones' last connection here has ended. */
  async noteConnections(siteIds: { connected: readonly string[]; disconnected: readonly string[] }): Promise<void> {
    const note = { at: this.clock.now(), instanceId: this.instance.id };
    const { db } = this.database;
    if (siteIds.connected.length > 0) await this.sites.connected(db, siteIds.connected, note);
    if (siteIds.disconnected.length > 0) await this.sites.disconnected(db, siteIds.disconnected, note);
  }

  private async get(id: string): Promise<RegisteredSite> {
    const site = await this.sites.find(this.database.db, id);
    if (site === null) throw new TributaryError('NOT_FOUND', { detail: `site ${id}` });
    return site;
  }
}

function view(
  { id, studies, state, fingerprint, lastSeenAt, trainingHours }: RegisteredSite,
  connected: ReadonlySet<string>,
): Site {
  return {
    id,
    studies: [...studies],
    state,
    fingerprint,
    connected: connected.has(id),
    lastSeenAt: lastSeenAt?.toISOString() ?? null,
    trainingHours,
  };
}
