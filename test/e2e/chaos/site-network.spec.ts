import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/processes.js';
import { SiteNetwork } from '../../support/site-network.js';

/** Connects, and says a byte every 50 ms. */
const TALKER = `
  const socket = require('node:net').connect(Number(process.argv[2]), process.argv[1]);
  socket.on('error', () => undefined);
  setInterval(() => socket.write('x'), 50);`;
const SILENT_FOR_MS = 600;

(SiteNetwork.isPossible() ? describe : describe.skip)('the network of a site', () => {
  let network: SiteNetwork;
  let server: Server;
  const sockets: Socket[] = [];
  const heard: number[] = [];

  beforeEach(async () => {
    network = await SiteNetwork.create(0);
    server = createServer((socket) => {
      const index = sockets.push(socket) - 1;
      heard[index] = 0;
      socket
        .on('error', () => undefined)
        .on('data', (bytes: Buffer) => (heard[index] = (heard[index] ?? 0) + bytes.length));
    });
    await new Promise<void>((resolve) => server.listen(0, network.host, resolve));
  });
  afterEach(async () => {
    network.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    heard.splice(0);
    await new Promise((resolve) => server.close(resolve));
  });

  function talk(): void {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? String(address.port) : '';
    const [command, ...args] = [...network.command, process.execPath, '-e', TALKER, network.host, port];
    spawn(command, args, { stdio: 'ignore' });
  }

  const hears = (index: number): Promise<true> => {
    const before = heard[index] ?? 0;
    return eventually(`connection ${index} says something`, () => ((heard[index] ?? 0) > before ? true : undefined));
  };

  it('passes nothing while its cable is out, and neither end is told; then what was sent arrives', async () => {
    talk();
    await hears(0);
    await network.pull();
    await sleep(100);
    const before = heard[0];
    await sleep(SILENT_FOR_MS);
    expect([heard[0], sockets[0]?.destroyed, sockets[0]?.readyState]).toEqual([before, false, 'open']);
    await network.plug();
    await hears(0);
    expect(sockets).toHaveLength(1);
  });

  it('leaves old connections half-open when its address changes, and takes new ones from the new address', async () => {
    talk();
    await hears(0);
    await network.changeAddress();
    await sleep(100);
    const before = heard[0];
    talk();
    await hears(1);
    expect([heard[0], sockets[0]?.readyState]).toEqual([before, 'open']);
    expect(sockets[0]?.remoteAddress).not.toBe(sockets[1]?.remoteAddress);
  });

  it('is removed by the next process when its own was killed, with what runs in it', async () => {
    const gone = spawn(process.execPath, ['-e', '']);
    const name = `tributary-${gone.pid ?? 0}-0`;
    await once(gone, 'exit');
    spawnSync('ip', ['netns', 'add', name]);
    const sleeper = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', 'setInterval(() => {}, 1e6)']);
    const ended = once(sleeper, 'exit');
    await eventually('a process runs in it', () =>
      spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout.trim() === '' ? undefined : true,
    );
    expect(SiteNetwork.isPossible()).toBe(true);
    await ended;
    expect(spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout).not.toContain(name);
  });
});
