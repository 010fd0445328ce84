import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FaultyLink } from '../../support/faulty-link.js';

describe('a faulty link', () => {
  let server: Server;
  let link: FaultyLink;
  let received = 0;
  const atServer: Socket[] = [];

  beforeEach(async () => {
    received = 0;
    server = createServer((socket) => {
      atServer.push(socket);
      socket.on('error', () => undefined).on('data', (piece: Buffer) => (received += piece.length));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    link = await FaultyLink.open(typeof address === 'object' && address !== null ? address.port : 0);
  });
  afterEach(async () => {
    await link.close();
    for (const socket of atServer.splice(0)) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  async function connected(): Promise<Socket> {
    const socket = connect({ port: Number(new URL(link.url).port), host: '127.0.0.1' });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  function closed(socket: Socket): Promise<void> {
    return new Promise((resolve) => socket.once('close', () => resolve()));
  }

  it('passes no more than its limit, and counts what has passed', async () => {
    link.limit(50_000);
    const socket = await connected();
    const startedMs = performance.now();
    socket.end(Buffer.alloc(60_000));
    await closed(socket);
    expect(received).toBe(60_000);
    expect(link.bytesUp).toBe(60_000);
    // 1.2 s at this rate, less the quarter of a second that the link may make up for.
    expect(performance.now() - startedMs).toBeGreaterThan(900);
  });

  it('resets connections, and passes new ones', async () => {
    const socket = await connected();
    socket.write('a');
    await sleep(50);
    const reset = closed(socket);
    link.drop();
    await reset;
    const next = await connected();
    const seen = link.sees('hello', 1000);
    next.write('hello');
    expect(await seen).toBe(true);
    expect(await link.sees('hello', 20)).toBe(false);
    next.destroy();
  });

  it('leaves both ends of a half-open connection in the belief that they are connected', async () => {
    const socket = await connected();
    socket.write('a');
    await sleep(50);
    link.freeze();
    socket.write('lost');
    await sleep(100);
    expect(received).toBe(1);
    expect(socket.destroyed).toBe(false);
    expect(atServer[0]?.destroyed).toBe(false);
  });
});
