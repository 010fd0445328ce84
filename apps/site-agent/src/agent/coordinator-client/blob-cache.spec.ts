import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { BlobRef } from '@tributary/protocol';
import { BlobCache } from './blob-cache.js';
import { BlobDownload } from './blob-download.js';
import { sendProblem, startTestCoordinator, type TestCoordinator } from './test-coordinator.spec-support.js';

const content = randomBytes(300_000);
const blob = refOf(content);
const options = { signal: new AbortController().signal, assignmentId: 'run-1-r1-a0-site-a' };

function refOf(bytes: Buffer): BlobRef {
  return { sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length };
}

function serve(bytes: Buffer) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': bytes.length - from }).end(bytes.subarray(from));
  };
}

describe('BlobCache', () => {
  let folder: string;
  let target: string;
  let coordinator: TestCoordinator;
  let cache: BlobCache;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blobs-'));
    target = join(folder, 'global.safetensors');
    coordinator = await startTestCoordinator(serve(content));
    cache = newCache();
  });
  afterEach(async () => {
    await coordinator.close();
    await rm(folder, { recursive: true });
  });

  /** As a process that has just started has it. */
  function newCache(): BlobCache {
    return new BlobCache(join(folder, 'cache'), new BlobDownload(coordinator.http, coordinator.tokens));
  }

  it('downloads a blob once, and puts it wherever it is needed', async () => {
    let bytes = 0;
    await cache.place(blob, target, { ...options, onBytes: (count) => (bytes += count) });
    await cache.place(blob, join(folder, 'again'), options);
    expect((await readFile(target)).equals(content)).toBe(true);
    expect((await readFile(join(folder, 'again'))).equals(content)).toBe(true);
    expect(bytes).toBe(content.length);
    expect(coordinator.requests).toEqual([`GET /v1/blobs/${blob.sha256}`]);
  });

  it('keeps a blob that was fetched before it is known where it is needed', async () => {
    const fetched = cache.fetch(blob, options);
    await Promise.all([fetched, cache.place(blob, target, options)]);
    expect((await readFile(target)).equals(content)).toBe(true);
    expect(coordinator.requests).toHaveLength(1);
  });

  it('downloads a blob once for two runs that want it at the same time', async () => {
    const targets = [target, join(folder, 'other-run')];
    await Promise.all(targets.map((path) => cache.place(blob, path, options)));
    for (const path of targets) expect((await readFile(path)).equals(content)).toBe(true);
    expect(coordinator.requests).toHaveLength(1);
  });

  it('does not let a small blob wait for a large one that comes slowly', async () => {
    const small = randomBytes(1000);
    let rest = (): void => undefined;
    coordinator.handler = (request, response) => {
      if (!request.url?.includes(blob.sha256)) return serve(small)(request, response);
      response.writeHead(200, { 'content-length': content.length }).write(content.subarray(0, 1000));
      rest = () => response.end(content.subarray(1000));
    };
    const slow = cache.place(blob, target, options);
    await cache.place(refOf(small), join(folder, 'small'), options);
    expect((await readFile(join(folder, 'small'))).equals(small)).toBe(true);
    rest();
    await slow;
    expect((await readFile(target)).equals(content)).toBe(true);
  });

  it('goes on where a download broke off, also in a new process', async () => {
    await cache.place(refOf(Buffer.from('other')), target, options).catch(() => undefined);
    await writeFile(join(folder, 'cache', `${blob.sha256}.safetensors.part`), content.subarray(0, 200_001));
    let bytes = 0;
    await cache.place(blob, target, { ...options, onBytes: (count) => (bytes += count) });
    expect(bytes).toBe(content.length - 200_001);
    expect((await readFile(target)).equals(content)).toBe(true);
  });

  it('starts anew when the part on the disk is not of this blob', async () => {
    await cache.place(refOf(Buffer.from('other')), target, options).catch(() => undefined);
    await writeFile(join(folder, 'cache', `${blob.sha256}.safetensors.part`), randomBytes(100_000));
    await cache.place(blob, target, options);
    expect((await readFile(target)).equals(content)).toBe(true);
  });

  it('refuses bytes that are not what the hash says', async () => {
    coordinator.handler = serve(randomBytes(content.length));
    await expect(cache.place(blob, target, options)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(await readdir(join(folder, 'cache'))).toEqual([]);
  });

  it('does not trust a cached file that was damaged since', async () => {
    await cache.place(blob, target, options);
    await rm(target);
    await writeFile(join(folder, 'cache', `${blob.sha256}.safetensors`), randomBytes(content.length));
    await newCache().place(blob, target, options);
    expect((await readFile(target)).equals(content)).toBe(true);
  });

  it('reports a connection that breaks as one that can be tried again', async () => {
    coordinator.handler = (_request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 100_000), () => response.destroy());
    };
    await expect(cache.place(blob, target, options)).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
  });

  it('asks for a new access token when the old one has expired', async () => {
    coordinator.handler = (request, response) => {
      if (request.headers.authorization === 'Bearer token-1') sendProblem(response, 401, 'AUTH_EXPIRED');
      else serve(content)(request, response);
    };
    await cache.place(blob, target, options);
    expect(coordinator.issued).toEqual(['token-1', 'token-2']);
  });

  it('keeps only the newest few blobs', async () => {
    for (let round = 0; round < 7; round += 1) {
      const bytes = randomBytes(1000);
      coordinator.handler = serve(bytes);
      await cache.place(refOf(bytes), target, options);
    }
    expect((await readdir(join(folder, 'cache'))).length).toBeLessThanOrEqual(4);
  });
});
