import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { PROTOCOL_VERSION, problemSchema, type AssignmentOffer } from '@tributary/protocol';
import { OFFSET_TYPE, TUS_VERSION } from '@tributary/protocol/tus';
import { io } from 'socket.io-client';
import { z } from 'zod';
import { buildRecipe } from '../factories/recipe.js';
import { buildUpdate, type BuiltResult } from '../factories/update.js';
import { jsonBody } from './support/api.js';
import { Consortium } from './support/consortium.js';
import { databaseCases } from './support/databases.js';
import { stayAway, uploadHeaders, type FakeSite } from './support/fake-site.js';

jest.setTimeout(120_000);

/** Longer than the coordinator gathers progress before it writes it. */
const PROGRESS_WRITTEN_MS = 1500;
const ACK_MS = 15_000;
const refusalSchema = z.object({ ok: z.literal(false), problem: problemSchema });

describe.each(databaseCases())('a coordinator among hostile and broken clients, on $name', (databaseCase) => {
  let consortium: Consortium;
  let runId: string;
  let offer: AssignmentOffer;
  let update: BuiltResult;
  let siteA: FakeSite;
  let siteB: FakeSite;

  beforeAll(async () => {
    consortium = await Consortium.on(databaseCase);
    for (const site of consortium.sites) site.behaviour = stayAway;
    [siteA, siteB] = [consortium.site('site-a'), consortium.site('site-b')];
    runId = await consortium.createRun(buildRecipe({ count: 1, quorum: 1 }));
    await consortium.until(runId, ({ state }) => state === 'running');
    const [first] = (await siteA.openWork()).assignments;
    if (first === undefined) throw new Error('no assignment was offered');
    offer = first;
    update = buildUpdate(await siteA.globalWeights(offer), siteA.id, 1);
  });
  afterAll(async () => {
    await consortium.close();
  });

  const patch = (offset: string, body: Buffer): Promise<Response> =>
    siteA.api.fetch(`/v1/uploads/${offer.assignmentId}`, {
      method: 'PATCH',
      headers: { 'tus-resumable': TUS_VERSION, 'upload-offset': offset, 'content-type': OFFSET_TYPE },
      body: new Uint8Array(body),
    });
  const codeOf = async (response: Response): Promise<string> => problemSchema.parse(await response.json()).code;
  const heldBytes = async (): Promise<number> => {
    const answer = await siteA.api.fetch(`/v1/uploads/${offer.assignmentId}`, {
      method: 'HEAD',
      headers: { 'tus-resumable': TUS_VERSION },
    });
    return Number(answer.headers.get('upload-offset'));
  };
  const begin = (uploadLength: string, headers: Record<string, string> = {}): Promise<Response> =>
    siteA.api.fetch('/v1/uploads', {
      method: 'POST',
      headers: { ...uploadHeaders(offer.assignmentId, update), 'upload-length': uploadLength, ...headers },
    });

  it.each(['', '-1', '1e3', '0x10', '+5', '1.5'])('takes no upload of "%s" bytes', async (uploadLength) => {
    expect(await codeOf(await begin(uploadLength))).toBe('UPLOAD_METADATA_INVALID');
  });

  it('takes no bytes at an offset that is none, and lives on after more bytes than were announced', async () => {
    expect((await begin(String(update.bytes.length))).status).toBe(201);
    for (const offset of ['', '0x0', '0e0', '-0']) {
      expect(await codeOf(await patch(offset, update.bytes.subarray(0, 10)))).toBe('REQUEST_INVALID');
    }
    expect(await heldBytes()).toBe(0);
    const most = update.bytes.length - 10;
    expect((await patch('0', update.bytes.subarray(0, most))).status).toBe(204);
    expect(await codeOf(await patch(String(most), Buffer.alloc(11)))).toBe('REQUEST_TOO_LARGE');
    expect(await heldBytes()).toBe(most);
    const wrongPlace = await patch('5', Buffer.alloc(1));
    expect(problemSchema.parse(await wrongPlace.json()).message).toContain(`${most} bytes are held`);
  });

  it('keeps what has come of an update when it refuses to begin it anew', async () => {
    const held = await heldBytes();
    expect(held).toBeGreaterThan(0);
    expect(await codeOf(await begin(String(2 ** 50)))).toBe('REQUEST_TOO_LARGE');
    // Within the coordinator's limit, and far more than this model's updates have.
    expect(await codeOf(await begin(String(2 ** 30)))).toBe('UPDATE_WRONG_SIZE');
    expect(await codeOf(await begin('100', { 'tus-resumable': '0.2.2' }))).toBe('REQUEST_INVALID');
    expect(await heldBytes()).toBe(held);
  });

  it('keeps what has come of a model when it refuses to begin it anew', async () => {
    const { admin } = consortium.coordinator;
    const sha256 = 'ab'.repeat(32);
    const send = (uploadLength: string, headers: Record<string, string> = {}): Promise<Response> =>
      admin.fetch('/v1/weights', {
        method: 'POST',
        headers: {
          'tus-resumable': TUS_VERSION,
          'content-type': OFFSET_TYPE,
          'upload-length': uploadLength,
          'upload-metadata': `sha256 ${Buffer.from(sha256).toString('base64')}`,
          ...headers,
        },
        body: 'half',
      });
    expect((await send('8')).headers.get('upload-offset')).toBe('4');
    expect(await codeOf(await send(String(2 ** 50)))).toBe('REQUEST_TOO_LARGE');
    expect(await codeOf(await send('9', { 'tus-resumable': '0.2.2' }))).toBe('REQUEST_INVALID');
    const headers = { 'tus-resumable': TUS_VERSION };
    const told = await admin.fetch(`/v1/weights/${sha256}`, { method: 'HEAD', headers });
    expect([told.headers.get('upload-offset'), told.headers.get('upload-length')]).toEqual(['4', '8']);
  });

  it('answers wrong last bytes with a problem that names the request', async () => {
    const response = await patch(String(await heldBytes()), Buffer.alloc(10, 1));
    expect(response.headers.get('content-type')).toContain('application/json');
    const correlationId = response.headers.get('x-correlation-id');
    expect(problemSchema.parse(await response.json())).toMatchObject({ code: 'UPDATE_WRONG_HASH', correlationId });
  });

  it('takes no other length for bytes that it has', async () => {
    const good = buildUpdate(await siteB.globalWeights(offer), siteB.id, 2);
    const assignmentId = offer.assignmentId.replace('site-a', 'site-b');
    expect((await siteB.upload(assignmentId, good)).status).toBe(201);
    const headers = { ...uploadHeaders(assignmentId, good), 'upload-length': '5' };
    expect(await codeOf(await siteB.api.fetch('/v1/uploads', { method: 'POST', headers }))).toBe('UPDATE_CONFLICT');
    if (offer.kind !== 'train') throw new Error('an offer to train was expected');
    const metadata = `sha256 ${Buffer.from(offer.weights.sha256).toString('base64')}`;
    const { code, problem } = await consortium.coordinator.admin.refusal('/v1/weights', {
      method: 'POST',
      headers: { 'tus-resumable': TUS_VERSION, 'upload-length': '5', 'upload-metadata': metadata },
    });
    expect(code).toBe('UPLOAD_METADATA_INVALID');
    expect(problem.message).toContain(String(offer.weights.sizeBytes));
  });

  it('names what is wrong with a request by the name that the route gives it', async () => {
    const { admin } = consortium.coordinator;
    const refused = async (path: string, init: RequestInit): Promise<[string, string[] | undefined]> => {
      const { code, problem } = await admin.refusal(path, init);
      return [code, problem.fields?.map((field) => field.path)];
    };
    expect(await refused('/v1/api-keys/%00', { method: 'DELETE' })).toEqual(['REQUEST_INVALID', ['id']]);
    expect(await refused('/v1/models/run-00000000/-1', {})).toEqual(['REQUEST_INVALID', ['round']]);
    const { problem } = await admin.refusal('/v1/studies', { method: 'POST' });
    expect(problem.message).toContain('a JSON object with Content-Type: application/json');
    const study = { id: 'more', title: 'x', modality: 'MR', classes: ['a', 'a'], image: { sizePx: 16, channels: 2 } };
    expect((await admin.refusal('/v1/studies', jsonBody(study))).problem.message).toContain('1 (grey) or 3 (colour)');
    const grey = { ...study, image: { sizePx: 16, channels: 1 } };
    expect((await admin.refusal('/v1/studies', jsonBody(grey))).problem.message).toContain('class names that differ');
  });

  it('takes no query that it does not know, and no number but in digits', async () => {
    const { admin } = consortium.coordinator;
    const fieldOf = async (path: string): Promise<string | undefined> =>
      (await admin.refusal(path)).problem.fields?.map((field) => `${field.path}: ${field.expected}`).join();
    expect(await fieldOf('/v1/audit?limt=1')).toContain('limt');
    expect(await fieldOf('/v1/models?runid=run-00000000')).toContain('runid');
    const digits = 'limit: a whole number from 1 to 1000';
    for (const limit of ['', '%20', '0x10', '1e2', '1.5', '-0', '1001', '9'.repeat(400), '1&limit=2'])
      expect(await fieldOf(`/v1/audit?limit=${limit}`)).toBe(digits);
    expect(await fieldOf(`/v1/models/${runId}/%20`)).toBe('round: a whole number from 0 to 2147483647');
    expect(await fieldOf(`/v1/runs/${runId}/events?waitSeconds=26`)).toBe('waitSeconds: a whole number from 0 to 25');
    expect((await admin.fetch('/v1/audit?after=1&limit=2')).status).toBe(200);
  });

  it("does not let a site's word of another's assignment take the place of that one's own", async () => {
    const { assignmentId } = offer;
    await siteA.answer(assignmentId, 'accept');
    const socketB = siteB.newSocket();
    await new Promise<void>((resolve) => socketB.once('connect', () => resolve()));
    const socketA = siteA.newSocket();
    await new Promise<void>((resolve) => socketA.once('connect', () => resolve()));
    socketA.emit('assignment:progress', { assignmentId, stage: 'training', done: 77, total: 100 });
    await sleep(50);
    socketB.emit('assignment:progress', { assignmentId, stage: 'uploading', done: 1, total: 1 });
    await sleep(PROGRESS_WRITTEN_MS);
    socketA.disconnect();
    socketB.disconnect();
    const { assignments } = await consortium.run(runId);
    expect(assignments.find(({ siteId }) => siteId === 'site-a')).toMatchObject({ stage: 'training', done: 77 });
  });

  it('answers events that it does not know, and failures that nobody could read', async () => {
    const deep: unknown = JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`);
    const problem = { code: 'X', message: 'm', remedy: 'r', retryable: false };
    const socket = io(consortium.coordinator.url, {
      auth: { accessToken: siteA.accessToken, protocolVersion: PROTOCOL_VERSION },
      transports: ['websocket'],
      forceNew: true,
    });
    const codeOfAck = async (event: string, body: unknown): Promise<string> =>
      refusalSchema.parse(await socket.timeout(ACK_MS).emitWithAck(event, body)).problem.code;
    const { assignmentId } = offer;
    const refusals = [
      await codeOfAck('assignment:forgotten', {}),
      await codeOfAck('assignment:failed', { assignmentId, problem: { ...problem, context: { deep } } }),
      await codeOfAck('assignment:failed', { assignmentId, problem: { ...problem, message: 'x'.repeat(5000) } }),
    ];
    socket.disconnect();
    expect(refusals).toEqual(['REQUEST_INVALID', 'REQUEST_INVALID', 'REQUEST_INVALID']);
    const { assignments } = await consortium.run(runId);
    expect(assignments.find(({ siteId }) => siteId === 'site-a')?.state).toBe('training');
  });
});
