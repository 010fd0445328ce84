import { describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepInCache, weightsCachePath } from './weights-cache.js';

const DAY_MS = 24 * 3600 * 1000;
const NOW_MS = Date.parse('2026-11-23T12:00:00Z');

describe('the cache of weights', () => {
  it('lies where the desktop keeps what can be fetched again', () => {
    expect(weightsCachePath({ XDG_CACHE_HOME: '/var/cache/me' })).toBe('/var/cache/me/tributary/weights');
    expect(weightsCachePath({})).toMatch(/\.cache\/tributary\/weights$/);
  });

  it('lets what was not used for a week go, also parts, and keeps what was used', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weights-cache-'));
    const agesInDays = { 'used.safetensors': 30, 'recent.safetensors': 6, 'old.safetensors': 8, 'old.part': 8 };
    for (const [name, days] of Object.entries(agesInDays)) {
      await writeFile(join(folder, name), name);
      const at = new Date(NOW_MS - days * DAY_MS);
      await utimes(join(folder, name), at, at);
    }
    await keepInCache(join(folder, 'used.safetensors'), { folder, nowMs: NOW_MS });
    expect((await readdir(folder)).toSorted()).toEqual(['recent.safetensors', 'used.safetensors']);
    await rm(folder, { recursive: true });
  });
});
