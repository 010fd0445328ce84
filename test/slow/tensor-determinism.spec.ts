import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
const hooks = join(root, 'apps/site-agent/test-support/run-typescript.mjs');
const program = join(import.meta.dirname, 'training-fingerprint.ts');
const TIMEOUT_MS = 180_000;

async function fingerprint(threads: number, layout: string): Promise<string> {
  const words = ['--conditions=source', '--import', hooks, program, String(threads), layout];
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: root });
  return stdout;
}

describe('two processes with the same engine, threads and seed', () => {
  it.each([
    [1, 'plain'],
    [2, 'plain'],
    [1, 'blocked'],
    [2, 'blocked'],
  ] as const)(
    'train the same bits on the processor: %i thread(s), %s layout',
    async (threads, layout) => {
      const first = await fingerprint(threads, layout);
      expect(first).toMatch(/^[0-9a-f]{64}$/);
      expect(await fingerprint(threads, layout)).toBe(first);
    },
    TIMEOUT_MS,
  );
});
