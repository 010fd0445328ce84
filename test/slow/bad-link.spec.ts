import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { uploadOverBadLink } from '../e2e/chaos/bad-link.js';

const directory = mkdtempSync(join(tmpdir(), 'tributary-link-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('an upload over a slow link that drops every few seconds', () => {
  it('arrives, and next to nothing of it is sent twice', async () => {
    const { updateBytes, sentBytes, faults } = await uploadOverBadLink({
      directory,
      channels: [64, 128],
      bytesPerSecond: 500_000,
      faultEveryMs: 5_000,
      fault: 'drop',
    });
    expect(updateBytes).toBeGreaterThan(8_000_000);
    expect(faults).toBeGreaterThan(2);
    // A quarter of the size and of the time between drops: each drop may cost as much as in the whole case.
    expect(sentBytes / updateBytes - 1).toBeLessThan(0.08);
  }, 600_000);
});
