import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { uploadOverBadLink } from '../e2e/chaos/bad-link.js';
import { toxiproxyProgram } from '../support/toxiproxy.js';

const directory = mkdtempSync(join(tmpdir(), 'tributary-link-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What a drop may cost: 2 % of 65 MB that take six drops. */
const RESENT_BYTES_A_DROP = (0.02 * 65e6) / 6;

const program = toxiproxyProgram();

(program === null ? describe.skip : describe)('an upload over a slow link that drops every few seconds', () => {
  it('arrives, and next to nothing of it is sent twice', async () => {
    const { updateBytes, sentBytes, faults } = await uploadOverBadLink(program ?? '', {
      directory,
      channels: [64, 128],
      bytesPerSecond: 500_000,
      faultEveryMs: 5_000,
      fault: 'drop',
    });
    expect(updateBytes).toBeGreaterThan(8_000_000);
    expect(faults).toBeGreaterThan(2);
    expect(sentBytes).toBeGreaterThan(updateBytes);
    expect((sentBytes - updateBytes) / faults).toBeLessThan(RESENT_BYTES_A_DROP);
  }, 600_000);
});
