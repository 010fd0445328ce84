import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EarlyFlushes } from './early-flushes.js';

const MANY_BYTES = 64 * 1024 * 1024;
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-early-flushes-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('EarlyFlushes', () => {
  it('tells of a flush that failed when the file is settled, once', async () => {
    const flushes = new EarlyFlushes();
    const missing = join(folder, 'missing');
    flushes.grown(missing, MANY_BYTES);
    await expect(flushes.settle(missing)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(flushes.settle(missing)).resolves.toBeUndefined();
  });

  it('does not touch the disk for little', async () => {
    const flushes = new EarlyFlushes();
    flushes.grown(join(folder, 'missing'), 1000);
    await expect(flushes.settle(join(folder, 'missing'))).resolves.toBeUndefined();
  });

  it('is content with less where a request ends, but not with next to nothing', async () => {
    const flushes = new EarlyFlushes();
    const missing = join(folder, 'missing');
    flushes.paused(missing, 1000);
    await expect(flushes.settle(missing)).resolves.toBeUndefined();
    flushes.paused(missing, MANY_BYTES / 16);
    await expect(flushes.settle(missing)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('waits for the flushes of a file that grows', async () => {
    const flushes = new EarlyFlushes();
    const path = join(folder, 'growing');
    await writeFile(path, 'x');
    for (const bytes of [MANY_BYTES, MANY_BYTES + 1, 2 * MANY_BYTES]) flushes.grown(path, bytes);
    await expect(flushes.settle(path)).resolves.toBeUndefined();
  });

  it('flushes one file at a time, and a file that is settled before its turn not at all', async () => {
    const flushes = new EarlyFlushes();
    const [first, second] = ['first', 'second'].map((name) => join(folder, 'missing', name));
    flushes.grown(first ?? '', MANY_BYTES);
    flushes.grown(second ?? '', MANY_BYTES);
    await expect(flushes.settle(second ?? '')).resolves.toBeUndefined();
    await expect(flushes.settle(first ?? '')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
