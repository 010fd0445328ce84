import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
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
    const body = Buffer.from('numbers');
    const answer = await exchange(url, { method: 'PATCH', headers: { 'x-name': 'a' }, body });
    expect([answer.statusCode, answer.headers['x-kind']]).toEqual([201, 'echo']);
    expect(await text(answer)).toBe('PATCH a numbers');
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

  it('tells an answer that comes before its body was taken', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(409, { connection: 'close' }).end('no');
    });
    const answer = await exchange(url, { method: 'POST', body: Buffer.alloc(100_000) });
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
