import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, IncomingMessage } from 'node:http';
import { connect, Socket } from 'node:net';
import { bodyOf, isWholeAndSmall, readAnnouncement } from './upload-request.js';

const report = {
  kind: 'train',
  images: 40,
  steps: 8,
  loss: 0.5,
  trainSeconds: 1,
  imagesPerSecond: 128,
  engine: { name: 'onnx', device: 'cpu', threads: 1 },
};
const metadata = {
  assignmentId: 'run-4f3a9c1d-r3-a0-site-a',
  sha256: 'a'.repeat(64),
  report: JSON.stringify(report),
};

describe('the metadata of an upload', () => {
  it('is read with its report', () => {
    expect(readAnnouncement(metadata)).toEqual({ ...metadata, report });
  });

  it.each([
    ['no metadata', undefined],
    ['another hash', { ...metadata, sha256: 'A'.repeat(64) }],
    ['a path for an id', { ...metadata, assignmentId: '../../secrets/admin-key' }],
    ['a report that is not JSON', { ...metadata, report: '{' }],
    ['a loss that is not a number', { ...metadata, report: JSON.stringify({ ...report, loss: 'NaN' }) }],
    ['a report that is too long', { ...metadata, report: ' '.repeat(5000) }],
  ])('is refused with %s', (_, broken) => {
    expect(() => readAnnouncement(broken)).toThrow(expect.objectContaining({ code: 'UPLOAD_METADATA_INVALID' }));
  });
});

describe('a creation request', () => {
  const headers = {
    'tus-resumable': '1.0.0',
    'content-type': 'application/offset+octet-stream',
    'content-length': '20000',
  };

  it.each([
    ['brings all of a small update', headers, 20_000, true],
    ['brings a part', headers, 20_001, false],
    ['brings all of a large update', { ...headers, 'content-length': '70000' }, 70_000, false],
    ['brings nothing', { 'tus-resumable': '1.0.0', 'content-length': '0' }, 20_000, false],
    ['does not say how much it brings', { ...headers, 'content-length': undefined }, 20_000, false],
    ['speaks no tus', { ...headers, 'tus-resumable': undefined }, 20_000, false],
  ])('that %s', (_, sent, sizeBytes, isTaken) => {
    const request = new IncomingMessage(new Socket());
    request.headers = sent;
    expect(isWholeAndSmall(request, sizeBytes)).toBe(isTaken);
  });
});

/** What a server makes of the body of a request that announces ten bytes and brings those of `sent`. */
async function received(sent: string): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  const body = once(server, 'request').then(([request]: IncomingMessage[]) => {
    if (request === undefined) throw new Error('no request');
    return bodyOf(request);
  });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const socket = connect(address.port, '127.0.0.1', () => {
    socket.end(`POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\n\r\n${sent}`);
  });
  try {
    return (await body).toString();
  } finally {
    socket.destroy();
    server.close();
  }
}

describe('the body of a request', () => {
  it('is all that was announced', async () => {
    expect(await received('0123456789')).toBe('0123456789');
  });

  it('is nothing when the connection ends before that', async () => {
    await expect(received('01234')).rejects.toThrow('aborted');
  });
});
