import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ReleasingHttpAgent } from './releasing-agents.js';

const answer = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31 + (i >> 8)) % 251));

let server: Server;
let port = 0;
beforeAll(async () => {
  server = createServer((_request, response) => response.end(answer)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = addressOf(server).port;
});
afterAll(() => {
  server.close();
});

function addressOf(listening: Server): AddressInfo {
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address;
}

describe('connections of a releasing agent', () => {
  it('bring whole answers, one after the other, and keep nothing of what was read', async () => {
    const agent = new ReleasingHttpAgent({ keepAlive: true, maxSockets: 1 });
    const reads: Buffer[] = [];
    for (let request = 0; request < 2; request++) {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const asked = get({ host: '127.0.0.1', port, agent }, resolve).once('error', reject);
        asked.once('socket', (socket) => socket.on('data', (read: Buffer) => reads.push(read)));
      });
      expect((await buffer(response)).equals(answer)).toBe(true);
    }
    agent.destroy();
    expect(reads.length).toBeGreaterThan(10);
    const kept = reads.filter(({ length }) => length > 0);
    // What shares its memory with others is left alone: small reads.
    expect(kept.every(({ length, buffer: memory }) => memory.byteLength > length)).toBe(true);
    expect(kept.length).toBeLessThan(reads.length / 10);
  });
});
