import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient } from './api-client.js';
import { fetchBlob, type BlobDownload } from './fetch-blob.js';

const CONTENT = randomBytes(300_000);
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const SILENCE_MS = 500;

type Answer = (response: ServerResponse, begin: number) => void;

/** All that was asked for. */
const whole: Answer = (response, begin) => {
  response.writeHead(begin > 0 ? 206 : 200, { 'content-length': CONTENT.length - begin }).end(CONTENT.subarray(begin));
};
/** Some bytes, and then what `end` does. */
const some =
  (count: number, end: (response: ServerResponse) => void): Answer =>
  (response, begin) => {
    response.writeHead(begin > 0 ? 206 : 200, { 'content-length': CONTENT.length - begin });
    response.write(CONTENT.subarray(begin, begin + count), () => end(response));
  };
const fallsSilent = (count: number): Answer => some(count, () => undefined);
/** No parts: always from the first byte. */
const ignoresRange: Answer = (response) => whole(response, 0);
const problem =
  (status: number, code: string): Answer =>
  (response) => {
    const body = { code, message: 'as it is', remedy: 'do it', retryable: false };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

describe('fetchBlob', () => {
  let folder: string;
  let path: string;
  let server: Server;
  let url: string;
  let answers: Answer[];
  /** First bytes that were asked for, request by request. */
  let begins: number[];
  let reachedBytes: number;

  /** Breaks the connection when so many bytes are at the reader: what is still on its way goes with the connection. */
  const drops =
    (count: number): Answer =>
    (response, begin) => {
      const breakOff = (): void => {
        if (reachedBytes >= begin + count) response.destroy();
        else setTimeout(breakOff, 1);
      };
      some(count, breakOff)(response, begin);
    };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fetch-blob-'));
    path = join(folder, 'weights', 'model.safetensors');
    begins = [];
    reachedBytes = 0;
    server = createServer((request: IncomingMessage, response) => {
      const begin = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      begins.push(begin);
      (answers.shift() ?? problem(404, 'NOT_FOUND'))(response, begin);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address();
    url = address !== null && typeof address === 'object' ? `http://127.0.0.1:${address.port}` : '';
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    await rm(folder, { recursive: true });
  });

  function fetched(script: Answer[], changes: Partial<BlobDownload> & { signal?: AbortSignal } = {}): Promise<void> {
    answers = script;
    const { signal, onBytes, ...options } = changes;
    const api = new ApiClient({ url, apiKey: 'key', ...(signal && { signal }) });
    const watched: BlobDownload['onBytes'] = (progress) => {
      reachedBytes = progress.doneBytes;
      onBytes?.(progress);
    };
    return fetchBlob(api, {
      sha256: SHA256,
      path,
      silenceMs: SILENCE_MS,
      pauseMs: () => 1,
      ...options,
      onBytes: watched,
    });
  }
  const arrived = async (): Promise<boolean> => (await readFile(path)).equals(CONTENT);
  const left = (): Promise<string[]> => readdir(join(folder, 'weights'));

  it('goes on at the last byte after a connection that breaks or falls silent', async () => {
    let breaks = 0;
    await fetched([drops(100_000), fallsSilent(50_000), drops(50_000), whole], { onBreak: () => (breaks += 1) });
    expect(await arrived()).toBe(true);
    expect(begins).toEqual([0, 100_000, 150_000, 200_000]);
    expect({ breaks, left: await left() }).toEqual({ breaks: 3, left: ['model.safetensors'] });
  });

  it('tells what is there and of how much', async () => {
    const reached: (number | null)[] = [];
    await fetched([drops(100_000), whole], {
      onBytes: ({ doneBytes, totalBytes }) => reached.push(doneBytes, totalBytes),
    });
    expect(reached.slice(0, 2)).toEqual([0, CONTENT.length]);
    expect(reached.slice(-2)).toEqual([CONTENT.length, CONTENT.length]);
  });

  it('goes on in a later call with what an earlier one left, also when only the name was missing', async () => {
    const { signal, stop } = stoppedAfter(120_000);
    const first = fetched([fallsSilent(120_000)], { signal, silenceMs: 10_000, onBytes: stop });
    await expect(first).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await left()).toEqual(['model.safetensors.part']);
    await fetched([whole]);
    expect(begins).toEqual([0, 120_000]);
    expect(await arrived()).toBe(true);
    await rm(path);
    await writeFile(`${path}.part`, CONTENT);
    await fetched([problem(416, 'BLOB_RANGE_INVALID')]);
    expect(await arrived()).toBe(true);
  });

  it('does not ask for a file that is whole', async () => {
    await fetched([whole]);
    await fetched([]);
    expect(begins).toEqual([0]);
  });

  it('takes an answer without parts from the start', async () => {
    await fetched([drops(100_000), ignoresRange]);
    expect(begins).toEqual([0, 100_000]);
    expect(await arrived()).toBe(true);
  });

  it('begins anew where the part of an earlier call was damaged', async () => {
    await fetched([whole]);
    await rm(path);
    await writeFile(`${path}.part`, Buffer.alloc(1000));
    await fetched([whole, whole]);
    expect(begins).toEqual([0, 1000, 0]);
    expect(await arrived()).toBe(true);
  });

  it('refuses other bytes than those of the hash, and leaves none of them', async () => {
    const refusal = fetched([(response) => response.end(Buffer.alloc(CONTENT.length))]);
    await expect(refusal).rejects.toMatchObject({ code: 'MODEL_VERIFY_FAILED' });
    expect(await left()).toEqual([]);
  });

  it('gives up after failures without a byte, keeps what has arrived, and counts anew after each byte', async () => {
    const pauses: number[] = [];
    const silent = Array.from({ length: 9 }, () => drops(0));
    const script = [...silent.slice(0, 8), drops(1000), ...silent];
    const pauseMs = (failures: number): number => pauses.push(failures) * 0;
    await expect(fetched(script, { pauseMs })).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
    expect(pauses).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect((await readFile(`${path}.part`)).equals(CONTENT.subarray(0, 1000))).toBe(true);
  });

  it('hands on what the coordinator refuses, at once', async () => {
    await expect(fetched([problem(404, 'NOT_FOUND')])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(begins).toEqual([0]);
  });

  it('puts one file together from two processes that write it at once', async () => {
    const soon = (response: ServerResponse): void => void setTimeout(() => response.destroy(), 20);
    answers = [some(200_000, soon), some(100_000, soon), whole, whole];
    const api = new ApiClient({ url, apiKey: 'key' });
    const request = { sha256: SHA256, path, pauseMs: () => 1 };
    await Promise.all([fetchBlob(api, request), fetchBlob(api, request)]);
    expect(await arrived()).toBe(true);
  });
});

/** A signal that is aborted when so many bytes are there. */
function stoppedAfter(bytes: number) {
  const controller = new AbortController();
  const stop = ({ doneBytes }: { readonly doneBytes: number }): void => {
    if (doneBytes >= bytes) controller.abort();
  };
  return { signal: controller.signal, stop };
}
