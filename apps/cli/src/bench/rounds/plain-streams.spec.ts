import { describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainStreamSeconds } from './plain-streams.js';

describe('plainStreamSeconds', () => {
  it('times the copies and leaves nothing behind', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-plain-streams-'));
    const { signal } = new AbortController();
    try {
      expect(await plainStreamSeconds({ bytes: 2_500_001, sites: 2, outputs: 1, directory, signal })).toBeGreaterThan(
        0,
      );
      expect(await readdir(directory)).toEqual([]);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
