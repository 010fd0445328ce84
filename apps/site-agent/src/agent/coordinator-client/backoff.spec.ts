import { describe, expect, it } from '@jest/globals';
import { TributaryError } from '@tributary/protocol';
import fc from 'fast-check';
import { advancing, backoffMs, retryUntilDone } from './backoff.js';

const quick = { baseMs: 1, maxMs: 2 };
const never = new AbortController().signal;

describe('backoffMs', () => {
  it('doubles from half the base to half the ceiling, and at most to the ceiling', () => {
    const options = { baseMs: 100, maxMs: 1500 };
    expect([0, 1, 2, 3, 4, 5].map((attempt) => backoffMs(attempt, 0, options))).toEqual([50, 100, 200, 400, 750, 750]);
    expect(backoffMs(3, 0.5, options)).toBe(600);
  });

  it('stays between half and all of its ceiling, however many failures there were', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
        const waitMs = backoffMs(attempt, random, { baseMs: 200, maxMs: 15_000 });
        expect(waitMs).toBeGreaterThanOrEqual(100);
        expect(waitMs).toBeLessThanOrEqual(15_000);
      }),
    );
  });
});

describe('retryUntilDone', () => {
  it('tries again after an error that waiting can mend', async () => {
    const codes: string[] = [];
    let calls = 0;
    const work = (): Promise<string> => {
      calls += 1;
      return calls < 3 ? Promise.reject(new TributaryError('COORDINATOR_UNREACHABLE')) : Promise.resolve('done');
    };
    const onRetry = (error: TributaryError) => codes.push(error.code);
    expect(await retryUntilDone(work, { signal: never, backoff: quick, onRetry })).toBe('done');
    expect(codes).toEqual(['COORDINATOR_UNREACHABLE', 'COORDINATOR_UNREACHABLE']);
  });

  it('gives up at once on an error that it cannot mend', async () => {
    let calls = 0;
    const work = (): Promise<never> => {
      calls += 1;
      return Promise.reject(new TributaryError('SITE_REVOKED'));
    };
    await expect(retryUntilDone(work, { signal: never, backoff: quick })).rejects.toMatchObject({
      code: 'SITE_REVOKED',
    });
    expect(calls).toBe(1);
  });

  it('begins its waits anew after an attempt that got further', async () => {
    const waits: number[] = [];
    let done = 0;
    const work = (): Promise<string> => {
      if (waits.length === 6) return Promise.resolve('done');
      if (waits.length === 4) done = 100;
      return Promise.reject(new TributaryError('COORDINATOR_UNREACHABLE'));
    };
    const onRetry = (_: TributaryError, waitMs: number) => waits.push(waitMs);
    const backoff = { baseMs: 4, maxMs: 1000 };
    await retryUntilDone(work, { signal: never, backoff, onRetry, hasAdvanced: advancing(() => done) });
    [4, 8, 16, 32, 4, 8].forEach((ceiling, failures) => {
      expect(waits[failures]).toBeGreaterThanOrEqual(ceiling / 2);
      expect(waits[failures]).toBeLessThanOrEqual(ceiling);
    });
  });

  it('does not hide a fault of the program behind retries', async () => {
    const work = (): Promise<never> => Promise.reject(new TypeError('fault'));
    await expect(retryUntilDone(work, { signal: never, backoff: quick })).rejects.toThrow(TypeError);
  });

  it('ends with the reason of the signal while it waits', async () => {
    const controller = new AbortController();
    const work = (): Promise<never> => Promise.reject(new TributaryError('SERVICE_NOT_READY'));
    const options = { signal: controller.signal, backoff: { baseMs: 60_000, maxMs: 60_000 } };
    const ended = retryUntilDone(work, { ...options, onRetry: () => setImmediate(() => controller.abort()) });
    await expect(ended).rejects.toMatchObject({ name: 'AbortError' });
  });
});
