import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sendFile } from './send-file.js';

let folder = '';
let path = '';
let sentBytes = 0;
const content = Buffer.from(Uint8Array.from({ length: 32_000_001 }, (_, i) => (i * 31 + (i >> 8)) % 251));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-send-file-'));
  path = join(folder, 'blob');
  await writeFile(path, content);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Serves a part of the file once. @returns The answer, and how the sending ended. */
async function serve(begin: number, end: number): Promise<{ answer: IncomingMessage; sending: Promise<void> }> {
  sentBytes = 0;
  const sendings: Promise<void>[] = [];
  const server = createServer((_request, response) => {
    const sending = sendFile(path, { begin, end }, { out: response, onSent: (bytes) => (sentBytes += bytes) }).finally(
      () => response.end(),
    );
    sending.catch(() => undefined);
    sendings.push(sending);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const answer = await new Promise<IncomingMessage>((resolve) =>
    get({ host: '127.0.0.1', port, agent: false }, resolve),
  );
  server.close();
  return { answer, sending: Promise.all(sendings).then(() => undefined) };
}

describe('sendFile', () => {
  it.each([
    [0, content.length],
    [0, 1],
    [262_143, 524_289],
    [30_000_000, content.length],
    [5, 5],
  ])('sends the bytes from %i to %i to a receiver that is slower than the disk', async (begin, end) => {
    const { answer, sending } = await serve(begin, end);
    await delay(50);
    const chunks: Buffer[] = [];
    for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(content.subarray(begin, end))).toBe(true);
    await sending;
    expect(sentBytes).toBe(end - begin);
  });

  it('fails when the receiver goes, and counts only what went', async () => {
    const { answer, sending } = await serve(0, content.length);
    answer.destroy();
    await expect(sending).rejects.toThrow();
    expect(sentBytes).toBeLessThan(content.length);
  });

  it('fails when the file ends before the range', async () => {
    const { answer, sending } = await serve(content.length - 5, content.length + 1);
    answer.resume();
    await expect(sending).rejects.toThrow('ends before');
  });
});
