import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { exchange } from './http-exchange.js';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(listener: RequestListener): Promise<URL> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return new URL(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
}

describe('exchange', () => {
  it('sends method, headers and body, and tells status, headers and body of the answer', async () => {
    const url = await serve((request, response) => {
      void text(request).then((body) => {
        const { method, headers } = request;
        response.writeHead(201, { 'x-kind': 'echo' }).end([method, headers['x-name'], body].join(' '));
      });
    });
    const answer = await exchange(url, { method: 'PATCH', headers: { 'x-name': 'a' }, body: 'numbers' });
    expect([answer.statusCode, answer.headers['x-kind']]).toEqual([201, 'echo']);
    expect(await text(answer)).toBe('PATCH a numbers');
  });

  it('sends parts that share their memory one after the other, and tells of each', async () => {
    const url = await serve((request, response) => void text(request).then((body) => response.end(body)));
    const memory = Buffer.alloc(300_000);
    async function* parts(): AsyncGenerator<Uint8Array> {
      for (const letter of 'abc') yield await Promise.resolve(memory.fill(letter));
    }
    let sent = 0;
    const headers = { 'content-length': '900000' };
    const answer = await exchange(url, { method: 'POST', headers, body: parts, onSent: () => sent++ });
    expect(await text(answer)).toBe('a'.repeat(300_000) + 'b'.repeat(300_000) + 'c'.repeat(300_000));
    expect(sent).toBe(3);
  });

  it('fails with what making the body throws', async () => {
    const url = await serve((request, response) => void request.resume().once('end', () => response.end()));
    async function* parts(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.alloc(10));
      throw new Error('the file is shorter');
    }
    const sending = exchange(url, { method: 'POST', headers: { 'content-length': '20' }, body: parts });
    await expect(sending).rejects.toThrow('the file is shorter');
  });

  it('uses a connection again when an answer was read', async () => {
    const ports = new Set<number | undefined>();
    const url = await serve(({ socket }, response) => {
      ports.add(socket.remotePort);
      response.end('x');
    });
    for (let time = 0; time < 3; time++) expect(await text(await exchange(url, {}))).toBe('x');
    expect(ports.size).toBe(1);
  });

  it('gives back what its connection reads, over several requests', async () => {
    const long = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31 + (i >> 8)) % 251));
    const url = await serve((_request, response) => response.end(long));
    const reads: Buffer[] = [];
    const listening = new Set<Socket>();
    for (let time = 0; time < 2; time++) {
      const answer = await exchange(url, {});
      if (!listening.has(answer.socket)) answer.socket.prependListener('data', (read: Buffer) => reads.push(read));
      listening.add(answer.socket);
      expect((await buffer(answer)).equals(long)).toBe(true);
    }
    expect(listening.size).toBe(1);
    expect(reads.length).toBeGreaterThan(10);
    // Small reads share their memory with others.
    expect(reads.filter(({ length }) => length > 0).length).toBeLessThan(reads.length / 10);
  });

  it('tells an answer that comes before its body was taken', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(409, { connection: 'close' }).end('no');
    });
    const answer = await exchange(url, { method: 'POST', body: 'x'.repeat(100_000) });
    expect(answer.statusCode).toBe(409);
    answer.resume();
  });

  it('fails with the reason when it is given up before an answer, and before it begins', async () => {
    const stopping = new AbortController();
    const url = await serve(() => stopping.abort(new Error('enough')));
    await expect(exchange(url, { signal: stopping.signal })).rejects.toThrow('enough');
    await expect(exchange(url, { signal: stopping.signal })).rejects.toThrow('enough');
  });

  it('breaks off a body when it is given up while one comes', async () => {
    const stopping = new AbortController();
    const url = await serve((_request, response) => void response.write('begin'));
    const answer = await exchange(url, { signal: stopping.signal });
    const reading = text(answer);
    stopping.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
  });

  it('fails with the code of the system where nobody listens', async () => {
    const url = await serve(() => undefined);
    server?.close();
    await expect(exchange(url, {})).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
