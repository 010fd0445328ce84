import { releaseChunk } from '@tributary/federation/vectors/release-chunk';

/**
 * Memory for the parts that are on their way to a store: as many as `most` at a time, whatever they are parts of. It is given
 * back to the system when none is.
 */
export class PartBuffers {
  private readonly idle: Buffer[] = [];
  private readonly queue: (() => void)[] = [];
  private inUse = 0;

  constructor(private readonly most: number) {}

  /** Waits for a turn, and lets `work` have a buffer of that size until it resolves. */
  async use<T>(sizeBytes: number, work: (buffer: Buffer) => Promise<T>): Promise<T> {
    await this.turn();
    try {
      const buffer = this.take(sizeBytes);
      const result = await work(buffer.subarray(0, sizeBytes));
      // After a failure the system may still read it.
      this.idle.push(buffer);
      return result;
    } finally {
      this.endTurn();
    }
  }

  private async turn(): Promise<void> {
    if (this.inUse < this.most) {
      this.inUse++;
      return;
    }
    await new Promise<void>((resolve) => this.queue.push(resolve));
  }

  private endTurn(): void {
    const next = this.queue.shift();
    if (next !== undefined) return next();
    this.inUse--;
    if (this.inUse === 0) this.idle.splice(0).forEach(releaseChunk);
  }

  /** One that was used already, if it is as large. */
  private take(sizeBytes: number): Buffer {
    const buffer = this.idle.pop();
    if (buffer !== undefined && buffer.length >= sizeBytes) return buffer;
    if (buffer !== undefined) releaseChunk(buffer);
    return Buffer.allocUnsafeSlow(sizeBytes);
  }
}
