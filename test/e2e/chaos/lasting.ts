import { setTimeout as sleep } from 'node:timers/promises';

/** Faults that last for a while and are then mended. */
export class Lasting {
  private readonly pending = new Set<Promise<void>>();
  private readonly over = new AbortController();

  constructor(private readonly onFailure: (error: unknown) => void) {}

  begin(forMs: number, mend: () => Promise<void> | void): void {
    const { signal } = this.over;
    const mended = sleep(forMs, undefined, { signal })
      .catch(() => undefined)
      .then(mend)
      .catch(this.onFailure)
      .finally(() => this.pending.delete(mended));
    this.pending.add(mended);
  }

  /** Mends at once what still lasts. */
  async end(): Promise<void> {
    this.over.abort();
    await Promise.all(this.pending);
  }
}
