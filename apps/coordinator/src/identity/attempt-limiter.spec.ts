import { describe, expect, it } from '@jest/globals';
import { TributaryError } from '@tributary/protocol';
import { AttemptLimiter } from './attempt-limiter.js';

const NOW = new Date('2026-03-01T12:00:00Z');
const wrong = () => Promise.reject(new TributaryError('AUTH_INVALID'));
const right = () => Promise.resolve('in');

async function failTimes(limiter: AttemptLimiter, times: number, address = '192.0.2.1'): Promise<void> {
  for (let index = 0; index < times; index++) await limiter.attempt(address, NOW, wrong).catch(() => undefined);
}

describe('the limit of failed attempts', () => {
  it('refuses an address after thirty failures, and lets it in again a minute later', async () => {
    const limiter = new AttemptLimiter();
    await failTimes(limiter, 29);
    await expect(limiter.attempt('192.0.2.1', NOW, right)).resolves.toBe('in');
    await failTimes(limiter, 1);
    await expect(limiter.attempt('192.0.2.1', NOW, right)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    await expect(limiter.attempt('192.0.2.1', new Date(NOW.getTime() + 60_000), right)).resolves.toBe('in');
  });

  it('leaves other addresses alone', async () => {
    const limiter = new AttemptLimiter();
    await failTimes(limiter, 40);
    await expect(limiter.attempt('192.0.2.2', NOW, right)).resolves.toBe('in');
  });

  it('does not count what is not the fault of the caller', async () => {
    const limiter = new AttemptLimiter();
    for (let index = 0; index < 40; index++) {
      await limiter.attempt('192.0.2.1', NOW, () => Promise.reject(new Error('database'))).catch(() => undefined);
    }
    await expect(limiter.attempt('192.0.2.1', NOW, right)).resolves.toBe('in');
  });
});
