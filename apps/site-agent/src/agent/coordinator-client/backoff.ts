import { setTimeout as delay } from 'node:timers/promises';
import { TributaryError } from '@tributary/protocol';

export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
}

const DEFAULT_BACKOFF: BackoffOptions = { baseMs: 200, maxMs: 5_000 };

/**
 * Waiting time before attempt `attempt + 1`: doubles up to `maxMs`, and half of it is random so that sites that lost the
 * same coordinator do not come back all at once.
 *
 * @param attempt Failures so far, from 0.
 * @param random  Uniform in [0, 1).
 */
export function backoffMs(attempt: number, random: number, { baseMs, maxMs } = DEFAULT_BACKOFF): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30));
  return ceiling * (0.5 + random / 2);
}

export interface RetryOptions {
  readonly signal: AbortSignal;
  readonly backoff?: BackoffOptions;
  /** Whether trying again can help; by default what the error catalogue says. */
  readonly mayRetry?: (error: TributaryError) => boolean;
  /** Asked after each failure: true when the attempt got further than those before, and the waits begin anew. */
  readonly hasAdvanced?: () => boolean;
  readonly onRetry?: (error: TributaryError, waitMs: number) => void;
}

/**
 * Repeats `work` until it succeeds, fails for good, or `signal` is aborted.
 *
 * @throws whatever `work` throws that is no TributaryError worth a retry; the signal's reason when aborted.
 */
export async function retryUntilDone<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    options.signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof TributaryError) || !(options.mayRetry ?? isRetryable)(error)) throw error;
      if (options.hasAdvanced?.() === true) failures = 0;
      const waitMs = backoffMs(failures, Math.random(), options.backoff);
      options.onRetry?.(error, waitMs);
      await delay(waitMs, undefined, { signal: options.signal });
    }
  }
}

function isRetryable(error: TributaryError): boolean {
  return error.spec.retryable;
}

/** For `hasAdvanced`: true when more is done than at the last failure. */
export function advancing(done: () => number): () => boolean {
  let before = done();
  return () => {
    const hasAdvanced = done() > before;
    before = Math.max(before, done());
    return hasAdvanced;
  };
}
