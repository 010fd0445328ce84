import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BlobRef } from '@tributary/protocol';
import fc from 'fast-check';
import { pino } from 'pino';
import { retryUntilDone } from './backoff.js';
import { BlobCache } from './blob-cache.js';
import { BlobDownload, type DownloadBase } from './blob-download.js';
import { startTestCoordinator, type TestCoordinator } from './test-coordinator.spec-support.js';

const SIZE_BYTES = 300_000;
const earlier = randomBytes(SIZE_BYTES);
/** Where the two versions differ. */
const changed = [
  { begin: 50_000, end: 60_000 },
  { begin: 200_000, end: SIZE_BYTES },
];
const CHANGED_BYTES = 110_000;
const content = Buffer.from(earlier);
for (const { begin, end } of changed) randomBytes(end - begin).copy(content, begin);
const blob = refOf(content);
const options = { signal: new AbortController().signal, assignmentId: 'run-1-r2-a0-site-a' };

function refOf(bytes: Buffer): BlobRef {
  return { sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
}

/** What a request asks for, as HTTP has it: the last byte is in. */
function askedOf({ headers: { range = '' } }: IncomingMessage, sizeBytes: number) {
  const [, from = '0', to = String(sizeBytes - 1)] = /^bytes=(\d+)-(\d+)?$/.exec(range) ?? [];
  return { begin: Number(from), end: Number(to) + 1, isRange: range !== '' };
}

describe('a blob of which an earlier version is here', () => {
  let folder: string;
  let target: string;
  let base: DownloadBase;
  let coordinator: TestCoordinator;
  let sentBytes: number;
  let logged: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'base-'));
    target = join(folder, 'global.safetensors');
    base = { path: join(folder, 'earlier.safetensors'), changed };
    await writeFile(base.path, earlier);
    sentBytes = 0;
    logged = [];
    coordinator = await startTestCoordinator(serve(content));
  });
  afterEach(async () => {
    await coordinator.close();
    await rm(folder, { recursive: true });
  });

  function serve(bytes: Buffer) {
    return (request: IncomingMessage, response: ServerResponse): void => {
      const { begin, end, isRange } = askedOf(request, bytes.length);
      sentBytes += end - begin;
      response.writeHead(isRange ? 206 : 200, { 'content-length': end - begin }).end(bytes.subarray(begin, end));
    };
  }

  function newCache(): BlobCache {
    const log = pino({ base: null }, { write: (line: string) => logged.push(line) });
    return new BlobCache(join(folder, 'cache'), new BlobDownload(coordinator.http, coordinator.tokens), log);
  }

  async function expectPlaced(): Promise<void> {
    expect((await readFile(target)).equals(content)).toBe(true);
    expect((await readFile(base.path)).equals(earlier)).toBe(true);
    expect(await readdir(join(folder, 'cache'))).toEqual([`${blob.sha256}.safetensors`]);
  }

  it('is made from it and the bytes that changed, one request a range', async () => {
    let bytes = 0;
    await newCache().place(blob, target, { ...options, base, onBytes: (count) => (bytes += count) });
    await expectPlaced();
    expect(sentBytes).toBe(CHANGED_BYTES);
    expect(coordinator.requests).toHaveLength(2);
    expect(bytes).toBe(SIZE_BYTES);
    expect(logged).toEqual([]);
  });

  it('is put together byte for byte, whatever ranges may change and wherever an earlier process was killed', async () => {
    const cuts = fc.uniqueArray(fc.nat(1000), { maxLength: 9 }).map((all) => all.sort((a, b) => a - b));
    const ranges = cuts.map((all) =>
      all.flatMap((begin, index) => (index % 2 === 0 ? [{ begin, end: all[index + 1] ?? 1001 }] : [])),
    );
    await fc.assert(
      fc.asyncProperty(ranges, fc.nat(1001), async (parts, have) => {
        const before = randomBytes(1001);
        const after = Buffer.from(before);
        for (const { begin, end } of parts) randomBytes(end - begin).copy(after, begin);
        coordinator.handler = serve(after);
        const ref = refOf(after);
        await mkdir(join(folder, 'cache'), { recursive: true });
        await writeFile(join(folder, 'cache', `${ref.sha256}.safetensors.part`), after.subarray(0, have));
        await writeFile(base.path, before);
        sentBytes = 0;
        await newCache().place(ref, target, { ...options, base: { path: base.path, changed: parts } });
        expect((await readFile(target)).equals(after)).toBe(true);
        const missing = parts.reduce((sum, { begin, end }) => sum + Math.max(0, end - Math.max(begin, have)), 0);
        expect(sentBytes).toBe(missing);
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  it('goes on in the middle of a range after the link has dropped', async () => {
    const whole = coordinator.handler;
    coordinator.handler = (request, response) => {
      const { begin } = askedOf(request, SIZE_BYTES);
      if (begin < 200_000) return whole(request, response, Buffer.alloc(0));
      response.writeHead(206, { 'content-length': SIZE_BYTES - begin });
      response.write(content.subarray(begin, begin + 40_000), () => response.destroy());
    };
    const broken = newCache().place(blob, target, { ...options, base });
    await expect(broken).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
    expect(await readdir(folder)).not.toContain('global.safetensors');
    coordinator.handler = whole;
    sentBytes = 0;
    await newCache().place(blob, target, { ...options, base });
    await expectPlaced();
    expect(sentBytes).toBeLessThanOrEqual(100_000);
  });

  it('arrives over a link that drops again and again, and no byte that came is asked for again', async () => {
    coordinator.handler = (request, response) => {
      const { begin, end } = askedOf(request, SIZE_BYTES);
      const dropsAt = Math.min(end, begin + 9000);
      response.writeHead(206, { 'content-length': end - begin });
      response.write(content.subarray(begin, dropsAt), () => {
        if (dropsAt < end) response.destroy();
        else response.end();
      });
    };
    const cache = newCache();
    let bytes = 0;
    const place = () => cache.place(blob, target, { ...options, base, onBytes: (count) => (bytes += count) });
    await retryUntilDone(place, { signal: options.signal, backoff: { baseMs: 1, maxMs: 1 } });
    await expectPlaced();
    expect(bytes).toBe(SIZE_BYTES);
    expect(coordinator.requests.length).toBeGreaterThanOrEqual(Math.ceil(CHANGED_BYTES / 9000));
  });

  it('is taken whole from a coordinator that sends no parts', async () => {
    coordinator.handler = (_, response) => response.writeHead(200, { 'content-length': SIZE_BYTES }).end(content);
    await newCache().place(blob, target, { ...options, base });
    await expectPlaced();
    expect(coordinator.requests).toHaveLength(1);
  });

  it('is fetched whole, once and with a word in the log, when it differs elsewhere too', async () => {
    await writeFile(base.path, randomBytes(SIZE_BYTES));
    await newCache().place(blob, target, { ...options, base });
    expect((await readFile(target)).equals(content)).toBe(true);
    expect(sentBytes).toBe(CHANGED_BYTES + SIZE_BYTES);
    expect(logged.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ level: 40, sha256: blob.sha256 }]);
  });

  it('is refused when the coordinator sends other bytes, with and without the earlier version', async () => {
    coordinator.handler = serve(randomBytes(SIZE_BYTES));
    const placed = newCache().place(blob, target, { ...options, base });
    await expect(placed).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(await readdir(join(folder, 'cache'))).toEqual([]);
    expect(await readdir(folder)).not.toContain('global.safetensors');
  });

  it.each([
    ['gone', () => rm(base.path)],
    ['shorter', () => truncate(base.path, 100_000)],
    ['longer', () => writeFile(base.path, Buffer.concat([earlier, earlier]))],
  ])('is fetched whole when the earlier version is %s', async (_, change) => {
    await change();
    await newCache().place(blob, target, { ...options, base });
    expect((await readFile(target)).equals(content)).toBe(true);
    expect(sentBytes).toBe(SIZE_BYTES);
  });
});
