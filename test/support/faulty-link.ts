import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bytes that pass in one piece; small, so that what a broken connection has in flight is small too. */
const PIECE_BYTES = 16 * 1024;

/** How far the link may make up for timers that came late, so that its rate holds on a busy machine. */
const CATCH_UP_MS = 250;

/** To return from the reading loop would close the connection. */
const FOR_EVER = new Promise<never>(() => undefined);

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Half-open: both ends think that they are connected, and nothing passes any more. */
  isFrozen: boolean;
}

/** A TCP link with faults between a site and its coordinator. What it counts has passed the link in whole. */
export class FaultyLink {
  /** Bytes that passed from the site to the coordinator. */
  bytesUp = 0;
  /** Bytes that passed from the coordinator to the site. */
  bytesDown = 0;
  private readonly pairs = new Set<Pair>();
  private readonly watchers = new Set<(piece: Buffer) => void>();
  private bytesPerSecond = Infinity;
  /** When the link is free for the next piece, by direction, in milliseconds. */
  private readonly freeAtMs = { up: 0, down: 0 };

  private constructor(
    private readonly listener: Server,
    /** What the site connects to. */
    readonly url: string,
    private readonly targetPort: number,
  ) {
    listener.on('connection', (client) => this.join(client));
  }

  static async open(targetPort: number): Promise<FaultyLink> {
    const listener = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const address = listener.address();
    if (address === null || typeof address === 'string') throw new Error('the link has no port');
    return new FaultyLink(listener, `http://127.0.0.1:${address.port}`, targetPort);
  }

  /** Limits each direction; Infinity takes the limit away. */
  limit(bytesPerSecond: number): void {
    this.bytesPerSecond = bytesPerSecond;
  }

  /** Breaks every connection: sites are told by a reset; what has passed the link still reaches the coordinator. New ones pass. */
  drop(): void {
    for (const { client, server } of this.pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** The connections of now stay open and pass nothing any more, as after a firewall forgot them; new ones pass. */
  freeze(): void {
    for (const pair of this.pairs) pair.isFrozen = true;
  }

  /** Waits for bytes from the site that hold `text`. @returns False when none came in time. */
  async sees(text: string, timeoutMs: number): Promise<boolean> {
    const seen = Promise.withResolvers<true>();
    const watcher = (piece: Buffer): void => {
      if (piece.includes(text)) seen.resolve(true);
    };
    this.watchers.add(watcher);
    const timer = new AbortController();
    const overdue = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false);
    const result = await Promise.race([seen.promise, overdue]);
    timer.abort();
    this.watchers.delete(watcher);
    return result;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.listener.close(resolve));
    this.drop();
    await closed;
  }

  private join(client: Socket): void {
    const server = connect({ port: this.targetPort, host: '127.0.0.1', allowHalfOpen: true });
    const pair: Pair = { client, server, isFrozen: false };
    this.pairs.add(pair);
    for (const socket of [client, server]) socket.setNoDelay(true);
    this.pass(pair, 'up');
    this.pass(pair, 'down');
  }

  private pass(pair: Pair, direction: 'up' | 'down'): void {
    const [from, to] = direction === 'up' ? [pair.client, pair.server] : [pair.server, pair.client];
    void this.forward(pair, direction, { from, to });
    from.once('error', () => {
      if (!pair.isFrozen) to.resetAndDestroy();
    });
    from.once('close', () => {
      if (to.destroyed) this.pairs.delete(pair);
    });
  }

  private async forward(
    pair: Pair,
    direction: 'up' | 'down',
    { from, to }: { from: Socket; to: Socket },
  ): Promise<void> {
    try {
      const chunks: AsyncIterable<Buffer> = from;
      for await (const chunk of chunks) {
        for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
          const piece = chunk.subarray(at, at + PIECE_BYTES);
          await this.transmit(direction, piece.length);
          if (pair.isFrozen) await FOR_EVER;
          if (!(await written(to, piece))) return;
          this.count(direction, piece);
        }
      }
      if (!pair.isFrozen) to.end();
    } catch {
      // the connection broke: the listeners for that have closed the other side
    }
  }

  private async transmit(direction: 'up' | 'down', bytes: number): Promise<void> {
    const nowMs = performance.now();
    const beginMs = Math.max(nowMs - CATCH_UP_MS, this.freeAtMs[direction]);
    this.freeAtMs[direction] = beginMs + (1000 * bytes) / this.bytesPerSecond;
    if (this.freeAtMs[direction] > nowMs) await sleep(this.freeAtMs[direction] - nowMs);
  }

  private count(direction: 'up' | 'down', piece: Buffer): void {
    if (direction === 'down') this.bytesDown += piece.length;
    else {
      this.bytesUp += piece.length;
      for (const watcher of this.watchers) watcher(piece);
    }
  }
}

/** False when the socket is gone. */
function written(socket: Socket, piece: Buffer): Promise<boolean> {
  if (socket.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => socket.write(piece, (error) => resolve(error == null)));
}
