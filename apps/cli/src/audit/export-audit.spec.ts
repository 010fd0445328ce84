import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { outputOf, type CommandContext } from '../command-context.js';
import { recordedHost } from '../host.spec-support.js';
import { ApiClient } from '../http/api-client.js';
import { exportAudit } from './export-audit.js';

const LAST = 2345;
const entrySchema = z.object({ seq: z.int() });
const global = { format: 'json', quiet: false, color: false } as const;

/** A coordinator with 2,345 entries that answers a page at a time. */
async function context({ failsAfter = LAST } = {}): Promise<{
  context: CommandContext;
  stdout: { text: string };
  folder: string;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'audit-'));
  const host = recordedHost({ cwd: folder });
  const answer = (url: string | URL | Request) => {
    const { searchParams } = new URL(url instanceof Request ? url.url : url);
    const after = Number(searchParams.get('after'));
    const refusal = { code: 'AUTH_INVALID', message: 'no', remedy: 'none', retryable: false };
    if (after > failsAfter) return Promise.resolve(Response.json(refusal, { status: 401 }));
    const count = Math.min(Number(searchParams.get('limit')), LAST - after);
    const page = Array.from({ length: count }, (_, i) => ({
      seq: after + i + 1,
      hash: `h${after + i + 1}`,
      detail: {},
    }));
    return Promise.resolve(Response.json(page));
  };
  const api = new ApiClient({ url: 'http://coordinator', apiKey: 'k', fetch: answer });
  return {
    context: { host, global, output: outputOf(global, host), api: () => Promise.resolve(api) },
    stdout: host.stdout,
    folder,
  };
}

const seqs = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => entrySchema.parse(JSON.parse(line)).seq);

describe('audit export', () => {
  it('writes every entry of every page once, in order', async () => {
    const run = await context();
    await exportAudit(run.context, { arguments: [], options: {} });
    expect(seqs(run.stdout.text)).toEqual(Array.from({ length: LAST }, (_, i) => i + 1));
  });

  it('leaves no part of the chain in a file when it cannot be read to its end', async () => {
    const run = await context({ failsAfter: 999 });
    const input = { arguments: [], options: { out: 'logs/audit.ndjson' } };
    await expect(exportAudit(run.context, input)).rejects.toMatchObject({ code: 'AUTH_INVALID' });
    expect(await readdir(join(run.folder, 'logs'))).toEqual([]);
  });

  it('writes a new file and names the hash of its last entry, and leaves a file that exists alone', async () => {
    const run = await context();
    const input = { arguments: [], options: { out: 'audit.ndjson' } };
    await exportAudit(run.context, input);
    expect(JSON.parse(run.stdout.text)).toMatchObject({ entries: LAST, headHash: `h${LAST}` });
    const written = await readFile(join(run.folder, 'audit.ndjson'), 'utf8');
    expect(seqs(written)).toHaveLength(LAST);
    await expect(exportAudit(run.context, input)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await readFile(join(run.folder, 'audit.ndjson'), 'utf8')).toBe(written);
  });
});
