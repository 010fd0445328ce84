import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sendProblem, startTestCoordinator, type TestCoordinator } from './test-coordinator.spec-support.js';
import { UpdateUpload, type Upload } from './update-upload.js';

const MEBIBYTE = 1024 * 1024;
const assignmentId = 'run-12345678-r1-a0-site-a';
const signal = new AbortController().signal;

/** The receiving side of tus, as far as one upload goes. */
class Receiver {
  received = Buffer.alloc(0);
  metadata = '';
  known = false;
  /** Bytes of the next body that arrive before the connection breaks; all by default. */
  breakAfter = Number.POSITIVE_INFINITY;

  handle = (request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    if (request.method === 'HEAD') {
      if (this.known) {
        this.answer(response, 200);
        return;
      }
      return void response.writeHead(404).end();
    }
    if (request.method === 'POST') {
      this.known = true;
      this.metadata = String(request.headers['upload-metadata']);
    } else if (Number(request.headers['upload-offset']) !== this.received.length) {
      sendProblem(response, 409, 'UPLOAD_METADATA_INVALID');
      return;
    }
    const arrived = body.subarray(0, this.breakAfter);
    this.received = Buffer.concat([this.received, arrived]);
    if (arrived.length < body.length) {
      this.breakAfter = Number.POSITIVE_INFINITY;
      return void response.destroy();
    }
    this.answer(response, request.method === 'POST' ? 201 : 204);
  };

  private answer(response: ServerResponse, status: number): void {
    response.writeHead(status, { 'upload-offset': this.received.length }).end();
  }
}

describe('UpdateUpload', () => {
  let folder: string;
  let coordinator: TestCoordinator;
  let receiver: Receiver;
  let uploads: UpdateUpload;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'upload-'));
    receiver = new Receiver();
    coordinator = await startTestCoordinator(receiver.handle);
    uploads = new UpdateUpload(coordinator.http, coordinator.tokens);
  });
  afterEach(async () => {
    await coordinator.close();
    await rm(folder, { recursive: true });
  });

  async function uploadOf(bytes: Buffer): Promise<Upload> {
    const file = join(folder, 'result.safetensors');
    await writeFile(file, bytes);
    const metadata = { assignmentId, sha256: '0'.repeat(64), report: '{"kind":"train"}' };
    return { open: () => open(file, 'r'), sizeBytes: bytes.length, metadata };
  }

  it('sends a small update in one request, its metadata in base64', async () => {
    const bytes = randomBytes(500_000);
    await uploads.send(await uploadOf(bytes), { signal, resume: false });
    expect(coordinator.requests).toEqual(['POST /v1/uploads']);
    expect(receiver.received.equals(bytes)).toBe(true);
    expect(receiver.metadata).toContain(`report ${Buffer.from('{"kind":"train"}').toString('base64')}`);
  });

  it('sends a large update piece by piece', async () => {
    const bytes = randomBytes(17 * MEBIBYTE);
    const offsets: number[] = [];
    await uploads.send(await uploadOf(bytes), { signal, resume: false, onOffset: (offset) => offsets.push(offset) });
    expect(receiver.received.equals(bytes)).toBe(true);
    expect(offsets).toEqual([10, 17].map((mebibytes) => mebibytes * MEBIBYTE));
  });

  it('sends only what is missing after the connection broke', async () => {
    const bytes = randomBytes(10 * MEBIBYTE);
    const upload = await uploadOf(bytes);
    receiver.breakAfter = 3 * MEBIBYTE;
    await expect(uploads.send(upload, { signal, resume: false })).rejects.toMatchObject({
      code: 'COORDINATOR_UNREACHABLE',
    });
    const offsets: number[] = [];
    await uploads.send(upload, { signal, resume: true, onOffset: (offset) => offsets.push(offset) });
    expect(offsets[0]).toBe(3 * MEBIBYTE);
    expect(receiver.received.equals(bytes)).toBe(true);
  });

  it('sends pieces that take well below the time of a request over a slow link', async () => {
    const bytes = randomBytes(2 * MEBIBYTE);
    const upload = await uploadOf(bytes);
    receiver.breakAfter = 0;
    await expect(uploads.send(upload, { signal, resume: false })).rejects.toThrow();
    // The first megabyte takes 400 s: 15 s at that rate are less than the smallest piece.
    const times = [0, 400_000];
    const slow = new UpdateUpload(coordinator.http, coordinator.tokens, () => times.shift() ?? 400_000);
    const offsets: number[] = [];
    await slow.send(upload, { signal, resume: true, onOffset: (offset) => offsets.push(offset) });
    expect(offsets.slice(0, 3)).toEqual([0, MEBIBYTE, MEBIBYTE + 64 * 1024]);
    expect(receiver.received.equals(bytes)).toBe(true);
  });

  it('fails for good when the file is shorter than was said', async () => {
    const upload = await uploadOf(randomBytes(3 * MEBIBYTE));
    const sending = uploads.send({ ...upload, sizeBytes: 3 * MEBIBYTE + 1 }, { signal, resume: false });
    await expect(sending).rejects.toMatchObject({ code: 'UPDATE_WRONG_SIZE' });
  });

  it('sends nothing when a process before it had sent everything', async () => {
    const upload = await uploadOf(randomBytes(1000));
    await uploads.send(upload, { signal, resume: false });
    await uploads.send(upload, { signal, resume: true });
    expect(coordinator.requests).toEqual(['POST /v1/uploads', `HEAD /v1/uploads/${assignmentId}`]);
  });

  it('begins an upload that was never begun', async () => {
    const bytes = randomBytes(1000);
    await uploads.send(await uploadOf(bytes), { signal, resume: true });
    expect(receiver.received.equals(bytes)).toBe(true);
  });

  it('is given up at once when the link is found dead', async () => {
    coordinator.handler = () => coordinator.http.breakOff();
    const upload = await uploadOf(randomBytes(10));
    await expect(uploads.send(upload, { signal, resume: false })).rejects.toMatchObject({
      code: 'COORDINATOR_UNREACHABLE',
    });
    coordinator.handler = receiver.handle;
    await uploads.send(upload, { signal, resume: true });
    expect(receiver.received.length).toBe(10);
  });

  it("passes the coordinator's refusal on", async () => {
    coordinator.handler = (_request, response) => sendProblem(response, 409, 'ASSIGNMENT_CLOSED');
    const upload = await uploadOf(randomBytes(10));
    await expect(uploads.send(upload, { signal, resume: false })).rejects.toMatchObject({ code: 'ASSIGNMENT_CLOSED' });
  });
});
