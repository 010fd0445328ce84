import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FaultyLink } from '../../support/faulty-link.js';
import { eventually } from '../../support/processes.js';
import { toxiproxyProgram, type Toxic } from '../../support/toxiproxy.js';

const program = toxiproxyProgram();

(program === null ? describe.skip : describe)('a faulty link', () => {
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
    const targetPort = typeof address === 'object' && address !== null ? address.port : 0;
    link = await FaultyLink.open(program ?? '', { targetPort });
  });
  afterEach(async () => {
    for (const socket of atServer.splice(0)) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await link.close();
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

  const arrived = (bytes: number): Promise<true> =>
    eventually(`${bytes} bytes arrive`, () => (received === bytes ? true : undefined));

  it('passes no more than its limit, and counts what came from the site', async () => {
    await link.add({ type: 'bandwidth', attributes: { rate: 50 } });
    const socket = await connected();
    const startedMs = performance.now();
    socket.write(Buffer.alloc(60_000));
    await arrived(60_000);
    expect(performance.now() - startedMs).toBeGreaterThan(1_000);
    expect(await link.sentBytes()).toBe(60_000);
  });

  it('closes connections, and passes new ones', async () => {
    const socket = await connected();
    socket.write('a');
    await arrived(1);
    const over = closed(socket.resume());
    await link.drop();
    await over;
    const next = await connected();
    next.write('hello');
    await arrived(6);
    next.destroy();
  });

  it('swallows everything while it is silent, and tells neither end', async () => {
    const silence: Toxic = { type: 'timeout', attributes: { timeout: 0 } };
    const socket = await connected();
    socket.write('a');
    await arrived(1);
    await link.add(silence);
    expect(link.has(silence)).toBe(true);
    socket.write('lost');
    await sleep(100);
    expect([received, socket.destroyed, atServer[0]?.destroyed]).toEqual([1, false, false]);
    await link.remove(silence);
    expect(link.has(silence)).toBe(false);
    const next = await connected();
    next.write('b');
    await arrived(2);
    expect(await link.sentBytes()).toBe(1 + 'lost'.length + 1);
  });

  it('goes on at the same address, with its faults, when its proxy hangs', async () => {
    const slow: Toxic = { type: 'bandwidth', attributes: { rate: 50 } };
    const { url, pid = 0 } = link;
    process.kill(pid, 'SIGSTOP');
    await link.add(slow);
    expect([link.url, link.pid === pid, link.has(slow)]).toEqual([url, false, true]);
    const socket = await connected();
    const startedMs = performance.now();
    socket.write(Buffer.alloc(60_000));
    await arrived(60_000);
    expect(performance.now() - startedMs).toBeGreaterThan(1_000);
    await expect(link.sentBytes()).rejects.toThrow('lost');
  }, 60_000);
});
