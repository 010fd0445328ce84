import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './processes.js';
import { Toxiproxy, ToxiproxyHangs, type Direction, type Toxic } from './toxiproxy.js';

const DIRECTIONS: readonly Direction[] = ['upstream', 'downstream'];
const COUNTED_AFTER_MS = 200;
const NAME = 'link';

export interface FaultyLinkOptions {
  readonly targetPort: number;
  /** Address of this machine that the link listens on. */
  readonly host?: string;
}

/** A TCP link with faults between a site and its coordinator: a toxiproxy of its own, begun anew where that one hangs. */
export class FaultyLink {
  private readonly toxics = new Map<Toxic, readonly Direction[]>();
  private hasForgotten = false;

  private constructor(
    private readonly program: string,
    private proxy: Toxiproxy,
    private readonly way: { readonly listen: string; readonly upstream: string },
  ) {}

  /** @param program Toxiproxy's server. */
  static async open(program: string, { targetPort, host = '127.0.0.1' }: FaultyLinkOptions): Promise<FaultyLink> {
    const proxy = await Toxiproxy.start(program);
    const upstream = `127.0.0.1:${targetPort}`;
    const listen = await proxy.add(NAME, { listen: `${host}:0`, upstream });
    return new FaultyLink(program, proxy, { listen, upstream });
  }

  /** What the site connects to. */
  get url(): string {
    return `http://${this.way.listen}`;
  }

  /** Of the proxy's process. */
  get pid(): number | undefined {
    return this.proxy.pid;
  }

  /** Breaks every connection; new ones pass. */
  async drop(): Promise<void> {
    await this.despiteHangs(async () => {
      await this.proxy.setEnabled(NAME, false);
      // Somebody else may have been given the port in between.
      await eventually('the link listens again', async () => {
        await this.proxy.setEnabled(NAME, true);
        return true;
      });
    });
  }

  /** @param toxic From now on, for the connections of now and for new ones. */
  async add(toxic: Toxic, directions = DIRECTIONS): Promise<void> {
    this.toxics.set(toxic, directions);
    await this.despiteHangs(async () => {
      for (const direction of directions) await this.proxy.addToxic(NAME, toxic, direction);
    });
  }

  /** Takes away what `add` has added. */
  async remove(toxic: Toxic): Promise<void> {
    const directions = this.toxics.get(toxic) ?? [];
    this.toxics.delete(toxic);
    await this.despiteHangs(async () => {
      for (const direction of directions) await this.proxy.removeToxic(NAME, toxic, direction);
    });
  }

  has(toxic: Toxic): boolean {
    return this.toxics.has(toxic);
  }

  /**
   * Lets nothing pass any more.
   *
   * @returns All bytes that came from the site, those that a fault then swallowed included.
   * @throws Error when the proxy had to be begun anew: what it had counted is lost.
   */
  async sentBytes(): Promise<number> {
    await this.proxy.setEnabled(NAME, false);
    for (let before = -1; ;) {
      const bytes = await this.proxy.receivedBytes(NAME);
      if (this.hasForgotten) throw new Error('toxiproxy hung and was begun anew: the bytes that it counted are lost');
      if (bytes === before) return bytes;
      before = bytes;
      await sleep(COUNTED_AFTER_MS);
    }
  }

  async close(): Promise<void> {
    await this.proxy.stop();
  }

  /** A proxy that hangs is killed, which breaks its connections, and another one takes its place with the toxics of now. */
  private async despiteHangs(change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (error) {
      if (!(error instanceof ToxiproxyHangs)) throw error;
      this.hasForgotten = true;
      await this.proxy.stop();
      this.proxy = await Toxiproxy.start(this.program);
      await eventually('the link listens again', () => this.proxy.add(NAME, this.way));
      for (const [toxic, directions] of this.toxics) {
        for (const direction of directions) await this.proxy.addToxic(NAME, toxic, direction);
      }
    }
  }
}
