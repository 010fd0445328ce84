import { once } from 'node:events';
import { mkdtemp, readFile, rm, utimes } from 'node:fs/promises';
import { createServer, request, type ClientRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TributaryError } from '@tributary/protocol';
import { Upload } from '@tus/server';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FolderBlobStore } from '../platform/blobs/folder-blob-store.js';
import { LonelyLocks } from '../platform/replicas/replica-locks.js';
import { FolderUploads } from './folder-uploads.js';
import { UploadAppend } from './upload-append.js';
import { UploadLocker } from './upload-locker.js';

const MEBIBYTE = 1024 ** 2;
const ID = 'run-12345678-r1-a0-site-a';
const content = Buffer.from(Uint8Array.from({ length: 700_001 }, (_, i) => (i * 31 + (i >> 8)) % 251));

/** How a request ended at the server. */
type End = { readonly offset: number } | { readonly code: string; readonly status: number };

let folder: string;
let store: FolderUploads;
let server: Server;
/** In the order of their ends. */
let ends: End[];
/** Offsets that were told while bytes came. */
let arrivals: number[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-upload-append-'));
  store = new FolderUploads(await FolderBlobStore.open(folder), folder);
  ends = [];
  arrivals = [];
  const appends = new UploadAppend(store, new UploadLocker(new LonelyLocks()));
  const onArrival = (_upload: Upload, bytes: number): void => void arrivals.push(bytes);
  server = createServer((incoming, response) => {
    const upload =
      incoming.method === 'POST'
        ? appends.create(announced(), incoming, onArrival)
        : appends.append(ID, incoming, onArrival);
    void upload
      .then(({ offset }) => ({ offset }), endOf)
      .then((end) => {
        ends.push(end);
        response.writeHead('code' in end ? end.status : 204, { connection: 'close' }).end();
      });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

function announced(size = content.length): Upload {
  return new Upload({ id: ID, size, offset: 0, metadata: { assignmentId: ID } });
}

function endOf(error: unknown): End {
  if (!(error instanceof TributaryError)) throw error;
  return { code: error.code, status: error.spec.status };
}

interface Sending {
  readonly offset?: number;
  readonly bytes: Buffer;
  /** Bytes that are announced; those that are sent when left out. */
  readonly length?: number;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends the bytes; the request stays open when it has announced more. */
function send({ offset = 0, bytes, length = bytes.length, method = 'PATCH', headers = {} }: Sending): ClientRequest {
  const { port } = server.address() as AddressInfo;
  const known = {
    'tus-resumable': '1.0.0',
    'content-type': 'application/offset+octet-stream',
    'upload-offset': offset,
    'content-length': length,
  };
  const sent = request({ host: '127.0.0.1', port, method, agent: false, headers: { ...known, ...headers } });
  sent.on('error', () => undefined); // its end is looked at where the server tells it
  sent.write(bytes);
  if (length === bytes.length) sent.end();
  return sent;
}

/** The answer's status. */
async function answerTo(sent: ClientRequest): Promise<number | undefined> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const stored = (): Promise<Buffer> => readFile(join(folder, 'uploads', ID));

describe('UploadAppend', () => {
  it('writes each body where the upload ends', async () => {
    await store.datastore.create(announced());
    expect(await answerTo(send({ bytes: content.subarray(0, 300_000) }))).toBe(204);
    expect(await answerTo(send({ offset: 300_000, bytes: content.subarray(300_000) }))).toBe(204);
    expect(ends).toEqual([{ offset: 300_000 }, { offset: content.length }]);
    expect((await stored()).equals(content)).toBe(true);
  });

  it('tells how far it is while a long body comes', async () => {
    const long = Buffer.alloc(20 * MEBIBYTE);
    await store.datastore.create(announced(long.length));
    await answerTo(send({ bytes: long }));
    expect(ends).toEqual([{ offset: long.length }]);
    expect(arrivals.map((bytes) => Math.floor(bytes / MEBIBYTE))).toEqual([8, 16]);
  });

  it('begins an upload anew, with or without first bytes', async () => {
    await store.datastore.create(announced());
    await answerTo(send({ bytes: content.subarray(0, 1000) }));
    await answerTo(send({ method: 'POST', bytes: Buffer.alloc(0), headers: { 'content-type': 'text/plain' } }));
    expect((await store.find(ID))?.offset).toBe(0);
    await answerTo(send({ method: 'POST', bytes: content.subarray(0, 500) }));
    expect(ends.at(-1)).toEqual({ offset: 500 });
    expect((await stored()).equals(content.subarray(0, 500))).toBe(true);
  });

  it('refuses bytes that belong elsewhere, and writes none of them', async () => {
    await store.datastore.create(announced());
    await answerTo(send({ bytes: content.subarray(0, 1000) }));
    for (const offset of [0, 999, 1001]) {
      expect(await answerTo(send({ offset, bytes: Buffer.alloc(100) }))).toBe(423);
      expect(ends.at(-1)).toEqual({ code: 'UPLOAD_LOCKED', status: 423 });
    }
    expect((await stored()).equals(content.subarray(0, 1000))).toBe(true);
  });

  it.each([
    ['another content type', { 'content-type': 'application/octet-stream' }],
    ['another version of the protocol', { 'tus-resumable': '0.2.2' }],
    ['an offset that is no number of bytes', { 'upload-offset': '-1' }],
  ])('refuses %s before anything is written', async (_name, headers) => {
    await store.datastore.create(announced());
    await answerTo(send({ bytes: content.subarray(0, 1000), headers }));
    expect(ends).toEqual([expect.objectContaining({ code: 'REQUEST_INVALID' })]);
    expect((await stored()).length).toBe(0);
  });

  it('refuses more bytes than were announced, and never stores them', async () => {
    await store.datastore.create(announced());
    const tooMany = Buffer.concat([content, Buffer.alloc(1)]);
    send({ bytes: tooMany });
    await until(() => ends.length > 0);
    expect(ends[0]).toEqual({ code: 'REQUEST_TOO_LARGE', status: 413 });
    expect((await stored()).length).toBeLessThanOrEqual(content.length);
  });

  it('refuses too many bytes that come before it can write, and goes on afterwards', async () => {
    await store.datastore.create(announced());
    const begun = content.length - 10;
    await answerTo(send({ bytes: content.subarray(0, begun) }));
    expect(await answerTo(send({ offset: begun, bytes: Buffer.alloc(11) }))).toBe(413);
    expect(ends.at(-1)).toEqual({ code: 'REQUEST_TOO_LARGE', status: 413 });
    expect(await answerTo(send({ offset: begun, bytes: content.subarray(begun) }))).toBe(204);
    expect((await stored()).equals(content)).toBe(true);
  });

  it('keeps what came before a connection broke, and goes on from there', async () => {
    await store.datastore.create(announced());
    const broken = send({ bytes: content.subarray(0, 300_000), length: content.length });
    await until(async () => (await stored()).length === 300_000);
    broken.destroy();
    await until(() => ends.length === 1);
    expect(ends).toEqual([{ offset: 300_000 }]);
    await answerTo(send({ offset: 300_000, bytes: content.subarray(300_000) }));
    expect((await stored()).equals(content)).toBe(true);
  });

  it('lets a second request take over from one that hangs, which is told so', async () => {
    await store.datastore.create(announced());
    const hanging = send({ bytes: content.subarray(0, 300_000), length: content.length });
    const told = answerTo(hanging);
    await until(async () => (await stored()).length === 300_000);
    expect(await answerTo(send({ offset: 300_000, bytes: content.subarray(300_000) }))).toBe(204);
    expect(await told).toBe(423);
    expect(ends).toContainEqual({ code: 'UPLOAD_LOCKED', status: 423 });
    expect(ends).toContainEqual({ offset: content.length });
    expect((await stored()).equals(content)).toBe(true);
  });

  it('leaves an upload that is whole as it is', async () => {
    await store.datastore.create(announced());
    await answerTo(send({ bytes: content }));
    await answerTo(send({ bytes: Buffer.alloc(1000) }));
    expect(ends.at(-1)).toEqual({ offset: content.length });
    expect((await stored()).equals(content)).toBe(true);
  });

  it('knows nothing of an upload that was given up', async () => {
    await store.datastore.create(announced());
    expect(await store.removeAbandoned(60_000)).toBe(0);
    await utimes(store.addressOf(ID), 0, 0);
    expect(await store.removeAbandoned(60_000)).toBe(1);
    expect(await answerTo(send({ bytes: content.subarray(0, 1000) }))).toBe(404);
    expect(ends).toEqual([{ code: 'NOT_FOUND', status: 404 }]);
  });
});
