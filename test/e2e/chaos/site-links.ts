import { FaultyLink } from '../../support/faulty-link.js';
import { SiteNetwork } from '../../support/site-network.js';
import { toxiproxyProgram, type Toxic } from '../../support/toxiproxy.js';
import type { Lasting } from './lasting.js';
import { SITES, type LinkFault, type Site } from './schedule.js';

/** Faults that the proxy makes for a while. */
const TOXICS: Readonly<Partial<Record<LinkFault['kind'], Toxic>>> = {
  slow: { type: 'bandwidth', attributes: { rate: 50 } },
  cut: { type: 'limit_data', attributes: { bytes: 16 * 1024 } },
  reset: { type: 'reset_peer', attributes: { timeout: 0 } },
  silent: { type: 'timeout', attributes: { timeout: 0 } },
};

/** How the sites reach the coordinator: each by a proxy and, where they can be made, from a network namespace of its own. */
export class SiteLinks {
  private readonly links = new Map<Site, FaultyLink>();
  private readonly unplugged = new Set<Site>();

  private constructor(
    /** Of toxiproxy; null: links stay whole. */
    private readonly program: string | null,
    private readonly networks: ReadonlyMap<string, SiteNetwork>,
  ) {}

  /** What cannot be broken on this machine is said on stderr, once. */
  static async prepare(): Promise<SiteLinks> {
    const program = toxiproxyProgram();
    const networks = new Map<Site, SiteNetwork>();
    // Without the proxy a site in a network of its own would not find the coordinator, which listens on 127.0.0.1.
    if (program === null) return new SiteLinks(null, networks);
    if (SiteNetwork.isPossible()) {
      for (const [index, site] of SITES.entries()) networks.set(site, await SiteNetwork.create(index));
    }
    return new SiteLinks(program, networks);
  }

  async open(targetPort: number): Promise<void> {
    const { program } = this;
    if (program === null) return;
    for (const site of SITES) {
      const host = this.networks.get(site)?.host;
      this.links.set(site, await FaultyLink.open(program, { targetPort, host }));
    }
  }

  /** Where a site reaches the coordinator; undefined: directly. */
  urlOf(site: Site): string | undefined {
    return this.links.get(site)?.url;
  }

  /** What a site's programs are started within. */
  commandOf(site: string): readonly string[] {
    return this.networks.get(site)?.command ?? [];
  }

  /** @returns False when this machine cannot make such a fault, or the link has it already. */
  async inflict({ kind, site, forMs }: LinkFault, lasting: Lasting): Promise<boolean> {
    const link = this.links.get(site);
    const network = this.networks.get(site);
    if (kind === 'cable') return network !== undefined && this.pull({ site, network, forMs }, lasting);
    if (kind === 'address') {
      // An address cannot change while the cable is out.
      if (network === undefined || this.unplugged.has(site)) return false;
      await network.changeAddress();
      return true;
    }
    if (link === undefined) return false;
    const toxic = TOXICS[kind];
    if (toxic === undefined) {
      await link.drop();
      return true;
    }
    if (link.has(toxic)) return false;
    await link.add(toxic);
    lasting.begin(forMs, () => link.remove(toxic));
    return true;
  }

  async close(): Promise<void> {
    for (const link of this.links.values()) await link.close();
    for (const network of this.networks.values()) network.close();
  }

  private async pull(
    { site, network, forMs }: { site: Site; network: SiteNetwork; forMs: number },
    lasting: Lasting,
  ): Promise<boolean> {
    if (this.unplugged.has(site)) return false;
    this.unplugged.add(site);
    await network.pull();
    lasting.begin(forMs, async () => {
      await network.plug();
      this.unplugged.delete(site);
    });
    return true;
  }
}
