import { TributaryError } from '@tributary/protocol';

const WINDOW_MS = 60_000;
const MAX_FAILURES = 30;
const MAX_ADDRESSES = 10_000;

/** Slows down who guesses: after 30 failed attempts within a minute an address is refused. Successes cost nothing. */
export class AttemptLimiter {
  private readonly failures = new Map<string, { count: number; untilMs: number }>();

  /**
   * Runs one attempt of `address`.
   *
   * @throws TributaryError RATE_LIMITED, or what the attempt throws.
   */
  async attempt<T>(address: string, now: Date, work: () => Promise<T>): Promise<T> {
    const before = this.current(address, now);
    if (before >= MAX_FAILURES) throw new TributaryError('RATE_LIMITED');
    try {
      return await work();
    } catch (error) {
      if (error instanceof TributaryError && error.spec.status < 500) this.count(address, now);
      throw error;
    }
  }

  private current(address: string, now: Date): number {
    const entry = this.failures.get(address);
    return entry === undefined || entry.untilMs <= now.getTime() ? 0 : entry.count;
  }

  private count(address: string, now: Date): void {
    const count = this.current(address, now) + 1;
    const untilMs =
      count === 1 ? now.getTime() + WINDOW_MS : (this.failures.get(address)?.untilMs ?? now.getTime() + WINDOW_MS);
    if (this.failures.size >= MAX_ADDRESSES) this.failures.clear();
    this.failures.set(address, { count, untilMs });
  }
}
