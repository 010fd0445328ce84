import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { StandingThread } from '../../platform/threads/standing-thread.js';
import type { HashOrder } from './hash-messages.js';
import { HashThread } from './hash-thread.js';

const MEBIBYTE = 1024 * 1024;

const tell = jest.spyOn(StandingThread.prototype, 'tell').mockImplementation(() => undefined);
const ask = jest.spyOn(StandingThread.prototype, 'ask').mockResolvedValue('by the thread');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-hash-thread-'));
});
beforeEach(() => {
  jest.clearAllMocks();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const { hashFile } = new HashThread();

describe('HashThread', () => {
  it('hashes a file below 16 MiB without starting the thread', async () => {
    const content = Buffer.from(Uint8Array.from({ length: 2_500_001 }, (_, i) => (i * 31 + (i >> 8)) % 251));
    const path = join(folder, 'small');
    await writeFile(path, content);
    const hash = hashFile(path);
    hash.written(content.subarray(0, 1000), 1000);
    hash.written(content.subarray(1000), content.length);
    expect(await hash.digest()).toBe(createHash('sha256').update(content).digest('hex'));
    hash.discard();
    expect(tell).not.toHaveBeenCalled();
    expect(ask).not.toHaveBeenCalled();
  });

  it('tells the thread of a file as soon as it has 16 MiB, and asks it for the hash', async () => {
    const hash = hashFile('large');
    const written = (sizeBytes: number): HashOrder => ({ type: 'written', path: 'large', sizeBytes });
    for (const mebibytes of [1, 15, 16, 17]) hash.written(new Uint8Array(), mebibytes * MEBIBYTE);
    expect(tell.mock.calls).toEqual([[written(16 * MEBIBYTE)], [written(17 * MEBIBYTE)]]);
    expect(await hash.digest()).toBe('by the thread');
    hash.discard();
    expect(tell).toHaveBeenCalledTimes(2);
  });

  it('tells the thread of a large file that will not be finished', () => {
    const hash = hashFile('given-up');
    hash.written(new Uint8Array(), 20 * MEBIBYTE);
    hash.discard();
    expect(tell).toHaveBeenLastCalledWith({ type: 'discard', path: 'given-up', sizeBytes: 20 * MEBIBYTE });
  });
});
