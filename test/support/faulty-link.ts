import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './processes.js';
import type { Direction, Toxic, Toxiproxy } from './toxiproxy.js';

const DIRECTIONS: readonly Direction[] = ['upstream', 'downstream'];
const COUNTED_AFTER_MS = 200;

export interface FaultyLinkOptions {
  readonly name: string;
  readonly targetPort: number;
  /** Address of this machine that the link listens on. */
  readonly host?: string;
}

/** A TCP link with faults between a site and its coordinator: one proxy of toxiproxy. */
export class FaultyLink {
  private readonly toxics = new Set<Toxic['type']>();

  private constructor(
    private readonly proxy: Toxiproxy,
    private readonly name: string,
    /** What the site connects to. */
    readonly url: string,
  ) {}

  static async open(
    proxy: Toxiproxy,
    { name, targetPort, host = '127.0.0.1' }: FaultyLinkOptions,
  ): Promise<FaultyLink> {
    const listen = await proxy.add(name, { listen: `${host}:0`, upstream: `127.0.0.1:${targetPort}` });
    return new FaultyLink(proxy, name, `http://${listen}`);
  }

  /** Breaks every connection; new ones pass. */
  async drop(): Promise<void> {
    await this.proxy.setEnabled(this.name, false);
    // Somebody else may have been given the port in between.
    await eventually('the link listens again', async () => {
      await this.proxy.setEnabled(this.name, true);
      return true;
    });
  }

  /** @param toxic From now on, for the connections of now and for new ones. */
  async add(toxic: Toxic, directions = DIRECTIONS): Promise<void> {
    this.toxics.add(toxic.type);
    for (const direction of directions) await this.proxy.addToxic(this.name, toxic, direction);
  }

  /** Takes away what `add` has added in both directions. */
  async remove(toxic: Toxic): Promise<void> {
    for (const direction of DIRECTIONS) await this.proxy.removeToxic(this.name, toxic, direction);
    this.toxics.delete(toxic.type);
  }

  has({ type }: Toxic): boolean {
    return this.toxics.has(type);
  }

  /** Closes the link. @returns All bytes that came from the site, those that a fault then swallowed included. */
  async close(): Promise<number> {
    await this.proxy.setEnabled(this.name, false);
    for (let before = -1; ;) {
      const bytes = await this.proxy.receivedBytes(this.name);
      if (bytes === before) return bytes;
      before = bytes;
      await sleep(COUNTED_AFTER_MS);
    }
  }
}
