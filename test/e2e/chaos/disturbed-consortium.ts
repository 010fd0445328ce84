import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Consortium, type SiteId } from '../../support/consortium.js';
import { startPostgres, type PostgresCluster } from '../../support/postgres.js';
import { Supervised } from '../../support/supervised.js';
import { Lasting } from './lasting.js';
import { SITES, type Fault, type Kill, type Site } from './schedule.js';
import { SiteLinks } from './site-links.js';
import { SmallDisks } from './small-disks.js';

const UPLOAD_WITHIN_MS = 4_000;

export interface DisturbedOptions {
  /** A PostgreSQL server of its own; else the coordinator's embedded database, which has no process to kill. */
  readonly withPostgres: boolean;
  readonly say: (line: string) => void;
}

interface Surroundings {
  readonly links: SiteLinks;
  readonly disks: SmallDisks;
  readonly postgres: PostgresCluster | undefined;
}

/** A consortium whose processes are started again when they end, and whose sites reach it over links that can be broken. */
export class DisturbedConsortium {
  private readonly agents = new Map<Site, Supervised>();
  private readonly coordinator: Supervised;
  /** Trainers that were seen; when all is over none may be left. */
  private readonly trainers = new Set<number>();
  private databaseUp: Promise<void> = Promise.resolve();
  private readonly links: SiteLinks;
  private readonly disks: SmallDisks;
  private readonly postgres: PostgresCluster | undefined;
  private readonly lasting: Lasting;

  private constructor(
    readonly consortium: Consortium,
    { links, disks, postgres }: Surroundings,
    private readonly say: (line: string) => void,
  ) {
    this.links = links;
    this.disks = disks;
    this.postgres = postgres;
    this.lasting = new Lasting((error) => say(String(error)));
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
    const links = await SiteLinks.prepare();
    const disks = SmallDisks.mount();
    const environment = { ...disks.environment, DATABASE_URL: postgres?.createDatabase('tributary') };
    const within = (site: string): readonly string[] => links.commandOf(site);
    const consortium = await Consortium.create(directory, { environment, within });
    for (const site of SITES) {
      mkdirSync(dirname(consortium.siteDir(site)), { recursive: true });
      disks.place(site, consortium.siteDir(site));
    }
    await links.open(consortium.port);
    const urlFor = (site: SiteId): string => links.urlOf(site) ?? consortium.url;
    const { coordinator, agents } = await consortium.open(urlFor);
    const disturbed = new DisturbedConsortium(consortium, { links, disks, postgres }, say);
    disturbed.coordinator.start(coordinator);
    for (const [site, supervised] of disturbed.agents) supervised.start(agents.get(site));
    return disturbed;
  }

  /** @returns False when there was nothing to break: the process is down, or no upload came. */
  async inflict(fault: Fault): Promise<boolean> {
    if (fault.kind === 'kill') return this.kill(fault);
    if (fault.kind === 'full-disk') return this.disks.inflict(fault, this.lasting);
    return this.links.inflict(fault, this.lasting);
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
    await this.lasting.end();
    await this.links.close();
    this.postgres?.stop();
    const outlived = await this.outlived();
    this.disks.unmount();
    return outlived;
  }

  private async kill({ victim, site, moment, delayMs, downMs }: Kill): Promise<boolean> {
    if (moment === 'upload') {
      if (!(await this.consortium.uploadBegins(site, UPLOAD_WITHIN_MS))) return false;
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
      case 'machine':
        return this.killAll(downMs);
    }
  }

  private async killAll(downMs: number): Promise<boolean> {
    const isDatabaseKilled = this.killDatabase(downMs);
    for (const site of SITES) this.killTrainer(site);
    const killed = [...this.agents.values(), this.coordinator].map((process) => process.kill(downMs));
    return (await isDatabaseKilled) || killed.includes(true);
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
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
