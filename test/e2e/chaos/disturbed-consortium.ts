import { setTimeout as sleep } from 'node:timers/promises';
import { Consortium, type SiteId } from '../../support/consortium.js';
import { FaultyLink } from '../../support/faulty-link.js';
import { startPostgres, type PostgresCluster } from '../../support/postgres.js';
import { Supervised } from '../../support/supervised.js';
import { SITES, type Fault, type Kill, type Site } from './schedule.js';

const UPLOAD_WITHIN_MS = 4_000;
const SLOW_BYTES_PER_SECOND = 50_000;
const SLOW_FOR_MS = 2_000;

export interface DisturbedOptions {
  /** A PostgreSQL server of its own; else the coordinator's embedded database, which has no process to kill. */
  readonly withPostgres: boolean;
  readonly say: (line: string) => void;
}

/** A consortium whose processes are started again when they end, and whose sites reach it over links that can be broken. */
export class DisturbedConsortium {
  private readonly agents = new Map<Site, Supervised>();
  private readonly coordinator: Supervised;
  /** Trainers that were seen; when all is over none may be left. */
  private readonly trainers = new Set<number>();
  private databaseUp: Promise<void> = Promise.resolve();

  private constructor(
    readonly consortium: Consortium,
    private readonly links: ReadonlyMap<Site, FaultyLink>,
    private readonly postgres: PostgresCluster | undefined,
    private readonly say: (line: string) => void,
  ) {
    this.coordinator = new Supervised(
      () => consortium.launchCoordinator(),
      (code) => say(`coordinator ended by itself with exit code ${code ?? 'none'}; started again`),
    );
    for (const site of SITES) {
      const onExit = (code: number | null): void =>
        say(`agent of ${site} ended by itself with exit code ${code ?? 'none'}; started again`);
      this.agents.set(site, new Supervised(() => consortium.startAgent(site), onExit));
    }
  }

  static async open(directory: string, { withPostgres, say }: DisturbedOptions): Promise<DisturbedConsortium> {
    const postgres = withPostgres ? await startPostgres() : undefined;
    const environment = { DATABASE_URL: postgres?.createDatabase('tributary') };
    const consortium = await Consortium.create(directory, { environment });
    const links = new Map<Site, FaultyLink>();
    for (const site of SITES) links.set(site, await FaultyLink.open(consortium.port));
    const urlFor = (site: SiteId): string => links.get(site)?.url ?? consortium.url;
    const { coordinator, agents } = await consortium.open(urlFor);
    const disturbed = new DisturbedConsortium(consortium, links, postgres, say);
    disturbed.coordinator.start(coordinator);
    for (const [site, supervised] of disturbed.agents) supervised.start(agents.get(site));
    return disturbed;
  }

  /** @returns False when there was nothing to break: the process is down, or no upload came. */
  async inflict(fault: Fault): Promise<boolean> {
    if (fault.kind === 'kill') return this.kill(fault);
    const link = this.link(fault.site);
    switch (fault.kind) {
      case 'drop':
        link.drop();
        break;
      case 'half-open':
        link.freeze();
        break;
      case 'slow':
        link.limit(SLOW_BYTES_PER_SECOND);
        setTimeout(() => link.limit(Infinity), SLOW_FOR_MS);
        break;
    }
    return true;
  }

  /** Waits until the database is there and the coordinator answers. */
  async settled(): Promise<void> {
    await this.databaseUp;
    await this.consortium.ready();
  }

  /** Ends everything. @returns How many trainers outlived their agents. */
  async close(): Promise<number> {
    await Promise.all([...this.agents.values(), this.coordinator].map((process) => process.stop()));
    await this.databaseUp.catch(() => undefined);
    await Promise.all([...this.links.values()].map((link) => link.close()));
    this.postgres?.stop();
    return this.outlived();
  }

  private async kill({ victim, site, moment, delayMs, downMs }: Kill): Promise<boolean> {
    if (moment === 'upload') {
      if (!(await this.link(site).sees('POST /v1/uploads', UPLOAD_WITHIN_MS))) return false;
      await sleep(delayMs);
    }
    switch (victim) {
      case 'coordinator':
        return this.coordinator.kill(downMs);
      case 'agent':
        this.noteTrainer(site);
        return this.agents.get(site)?.kill(downMs) ?? false;
      case 'trainer':
        return this.killTrainer(site);
      case 'database':
        return this.killDatabase(downMs);
    }
  }

  private killTrainer(site: Site): boolean {
    const trainer = this.noteTrainer(site);
    return trainer !== undefined && isAlive(trainer) && process.kill(trainer, 'SIGKILL');
  }

  private async killDatabase(downMs: number): Promise<boolean> {
    const { postgres } = this;
    if (postgres === undefined) return false;
    await this.databaseUp;
    process.kill(postgres.pid(), 'SIGKILL');
    this.databaseUp = sleep(downMs).then(() => postgres.restart());
    // Reported by whoever waits for it next.
    this.databaseUp.catch((error: unknown) => this.say(String(error)));
    return true;
  }

  private noteTrainer(site: Site): number | undefined {
    const agent = this.agents.get(site);
    const trainer = agent?.pid === undefined ? undefined : this.consortium.trainerOf(site);
    if (trainer !== undefined) this.trainers.add(trainer);
    return trainer;
  }

  private async outlived(): Promise<number> {
    for (let look = 0; look < 50; look += 1) {
      if (![...this.trainers].some(isAlive)) return 0;
      await sleep(100);
    }
    return [...this.trainers].filter(isAlive).length;
  }

  private link(site: Site): FaultyLink {
    const link = this.links.get(site);
    if (link === undefined) throw new RangeError(`${site} has no link`);
    return link;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
