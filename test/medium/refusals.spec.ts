import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { siteSchema, type AssignmentOffer } from '@tributary/protocol';
import { decodeSafetensorsHeader, encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { z } from 'zod';
import { buildRecipe } from '../factories/recipe.js';
import { buildUpdate, ofBytes, type BuiltResult } from '../factories/update.js';
import { Api, jsonBody } from './support/api.js';
import { Consortium } from './support/consortium.js';
import { databaseCases } from './support/databases.js';
import { FakeSite, stayAway } from './support/fake-site.js';

jest.setTimeout(120_000);

describe.each(databaseCases())('what a coordinator refuses, on $name', (databaseCase) => {
  let consortium: Consortium;

  beforeAll(async () => {
    consortium = await Consortium.on(databaseCase);
  });
  afterAll(async () => {
    await consortium.close();
  });

  describe('requests', () => {
    it.each([
      ['an unknown route', '/v1/nothing', {}, 404, 'ROUTE_NOT_FOUND'],
      ['malformed JSON', '/v1/studies', { ...jsonBody(0), body: '{"id":' }, 400, 'REQUEST_INVALID'],
      ['wrong types', '/v1/studies', jsonBody({ id: 5 }), 400, 'REQUEST_INVALID'],
      ['a large body', '/v1/studies', jsonBody({ title: 'x'.repeat(2 ** 20) }), 413, 'REQUEST_TOO_LARGE'],
      ['an unknown run', '/v1/runs/run-00000000', {}, 404, 'NOT_FOUND'],
      ['an id of another form', '/v1/runs/0', {}, 400, 'REQUEST_INVALID'],
      ['a malformed recipe', '/v1/runs', jsonBody({ studyId: 'brains', recipe: { seed: -1 } }), 400, 'RECIPE_INVALID'],
      [
        'a study twice',
        '/v1/studies',
        jsonBody({ id: 'brains', title: 'x', modality: 'MR', classes: ['a'], image: { sizePx: 16, channels: 1 } }),
        409,
        'ALREADY_EXISTS',
      ],
      [
        'a study with an unknown scarce class',
        '/v1/studies',
        jsonBody({
          id: 'more',
          title: 'x',
          modality: 'MR',
          classes: ['a'],
          scarceClasses: ['b'],
          image: { sizePx: 16, channels: 1 },
        }),
        400,
        'REQUEST_INVALID',
      ],
      [
        'a study whose title holds a character that no database keeps',
        '/v1/studies',
        jsonBody({
          id: 'more',
          title: 'a\0b',
          modality: 'MR',
          classes: ['a'],
          image: { sizePx: 16, channels: 1 },
        }),
        400,
        'REQUEST_INVALID',
      ],
      [
        'events behind more than a column holds',
        '/v1/runs/run-00000000/events?after=99999999999',
        {},
        400,
        'REQUEST_INVALID',
      ],
    ] as const)('%s: %s is refused with a code', async (...[, path, init, status, code]) => {
      expect(await consortium.coordinator.admin.refusal(path, init)).toMatchObject({ status, code });
    });

    it('names every wrong field of a recipe', async () => {
      const recipe = { ...buildRecipe(), seed: 'seven', classes: [] };
      const { problem } = await consortium.coordinator.admin.refusal(
        '/v1/runs',
        jsonBody({ studyId: 'brains', recipe }),
      );
      expect(problem.fields?.map(({ path }) => path).sort()).toEqual(['recipe.classes', 'recipe.seed']);
    });

    it('refuses a recipe whose local parameters are none of the network, by name', async () => {
      const recipe = { ...buildRecipe(), federation: { localParameters: ['norms', 'norm'] } };
      const refusal = await consortium.coordinator.admin.refusal('/v1/runs', jsonBody({ studyId: 'brains', recipe }));
      expect(refusal).toMatchObject({ status: 400, code: 'RECIPE_INCOMPATIBLE' });
      expect(refusal.problem.fields?.map(({ path }) => path)).toEqual(['federation.localParameters.1']);
    });

    it("refuses a recipe that does not fit the study's contract, and a quorum that cannot be met", async () => {
      const classes = ['other'];
      const evaluation = { ...buildRecipe().evaluation, scarceClasses: [] };
      const send = (recipe: unknown) =>
        consortium.coordinator.admin.refusal('/v1/runs', jsonBody({ studyId: 'brains', recipe }));
      expect((await send({ ...buildRecipe(), classes, evaluation })).code).toBe('RECIPE_STUDY_MISMATCH');
      expect((await send(buildRecipe({ quorum: 9 }))).code).toBe('QUORUM_LARGER_THAN_STUDY');
    });
  });

  describe('callers', () => {
    it('without credentials, with wrong ones, or of another role', async () => {
      const { url } = consortium.coordinator;
      expect((await new Api(url).refusal('/v1/runs')).code).toBe('AUTH_MISSING');
      expect((await new Api(url, 'tba_wrong').refusal('/v1/runs')).code).toBe('AUTH_INVALID');
      expect((await new Api(url, 'v1.e30.wrong').refusal('/v1/runs')).code).toBe('AUTH_INVALID');
      expect((await consortium.site('site-a').api.refusal('/v1/runs')).code).toBe('AUTH_FORBIDDEN');
      expect((await new Api(url).refusal('/metrics')).code).toBe('AUTH_MISSING');
    });

    it('whose key is a revoked one', async () => {
      const created = await consortium.coordinator.admin.post(
        '/v1/api-keys',
        z.object({ id: z.string(), apiKey: z.string() }),
        { name: 'Kim', role: 'researcher' },
      );
      const researcher = new Api(consortium.coordinator.url, created.apiKey);
      expect((await researcher.fetch('/v1/models')).status).toBe(200);
      expect((await researcher.refusal('/v1/audit')).code).toBe('AUTH_FORBIDDEN');
      await consortium.coordinator.admin.fetch(`/v1/api-keys/${created.id}`, { method: 'DELETE' });
      expect((await researcher.refusal('/v1/models')).code).toBe('AUTH_INVALID');
    });

    it('that enrol with a token that is wrong, used, or without possession of the key', async () => {
      const { url } = consortium.coordinator;
      const enrol = (body: unknown) => new Api(url).refusal('/v1/enrolment', jsonBody(body));
      const [site, other] = [new FakeSite('site-x', url), new FakeSite('site-x', url)];
      const { token } = await consortium.invite('site-x');
      expect((await enrol(site.enrolment('tbi_0123456789012345678901234567890'))).code).toBe('ENROL_TOKEN_INVALID');
      expect((await enrol({ ...site.enrolment(token), signature: other.enrolment(token).signature })).code).toBe(
        'ENROL_KEY_INVALID',
      );
      const first = await site.enrol(token);
      expect(await site.enrol(token)).toEqual(first);
      expect((await enrol(other.enrolment(token))).code).toBe('ENROL_TOKEN_USED');
    });

    it('that are not approved yet, or whose clock is wrong', async () => {
      const site = new FakeSite('site-y', consortium.coordinator.url);
      await site.enrol((await consortium.invite('site-y')).token);
      await expect(site.authenticate()).rejects.toThrow('SITE_NOT_APPROVED');
      await expect(consortium.site('site-a').authenticate({ skewSeconds: 600 })).rejects.toThrow('AUTH_CLOCK_SKEW');
      const wrong = await consortium.coordinator.admin.refusal(
        '/v1/sites/site-y/approve',
        jsonBody({ fingerprint: `SHA256:${'A'.repeat(43)}` }),
      );
      expect(wrong.code).toBe('SITE_FINGERPRINT_MISMATCH');
    });

    it('that use a challenge twice', async () => {
      const site = consortium.site('site-a');
      const api = new Api(consortium.coordinator.url);
      const { challenge } = await api.post('/v1/auth/challenge', z.object({ challenge: z.string() }), {
        siteId: site.id,
      });
      const siteTime = new Date().toISOString();
      const signature = site.sign(`tributary-auth:${site.id}:${challenge}:${siteTime}`);
      const body = { siteId: site.id, challenge, siteTime, signature };
      expect((await api.fetch('/v1/auth/token', jsonBody(body))).status).toBe(200);
      expect((await api.refusal('/v1/auth/token', jsonBody(body))).code).toBe('AUTH_INVALID');
    });

    it('whose socket has no token, or speaks another version', async () => {
      await consortium.site('site-a').authenticate();
      const refusalOf = (auth: Record<string, unknown>) =>
        new Promise((resolve) => {
          const socket = consortium.site('site-a').newSocket(auth);
          socket.once('connect', () => resolve('connected'));
          socket.once('connect_error', (error) => {
            socket.disconnect();
            resolve(z.object({ data: z.object({ code: z.string() }) }).parse(error).data.code);
          });
        });
      expect(await refusalOf({ accessToken: 'v1.e30.x' })).toBe('AUTH_INVALID');
      expect(await refusalOf({ accessToken: 5 })).toBe('AUTH_MISSING');
      for (const protocolVersion of [99, 1.5, '1', null])
        expect(await refusalOf({ protocolVersion })).toBe('PROTOCOL_VERSION');
    });
  });

  describe('updates', () => {
    let offer: AssignmentOffer;
    let good: BuiltResult;
    let runId: string;

    beforeAll(async () => {
      for (const site of consortium.sites) site.behaviour = stayAway;
      runId = await consortium.createRun(buildRecipe({ count: 1, quorum: 1 }));
      await consortium.until(runId, ({ state }) => state === 'running');
      await consortium.site('site-a').authenticate();
      const work = await consortium.site('site-a').openWork();
      const [first] = work.assignments;
      if (first === undefined) throw new Error('no assignment was offered');
      offer = first;
      good = buildUpdate(await consortium.site('site-a').globalWeights(offer), 'site-a', 1);
    });

    const codeOf = async (response: Response) => z.object({ code: z.string() }).parse(await response.json()).code;

    it('of another site', async () => {
      await consortium.site('site-b').authenticate();
      expect(await codeOf(await consortium.site('site-b').upload(offer.assignmentId, good))).toBe(
        'ASSIGNMENT_NOT_YOURS',
      );
    });

    it('with other bytes than announced, and takes the right ones afterwards', async () => {
      const broken = Buffer.from(good.bytes);
      broken.writeFloatLE(0.125, broken.length - 4);
      expect(await codeOf(await consortium.site('site-a').upload(offer.assignmentId, good, broken))).toBe(
        'UPDATE_WRONG_HASH',
      );
      const { assignments } = await consortium.run(runId);
      expect(assignments.find(({ siteId }) => siteId === 'site-a')?.state).toBe('offered');
    });

    it('without metadata', async () => {
      const response = await consortium.site('site-a').api.fetch('/v1/uploads', {
        method: 'POST',
        headers: { 'tus-resumable': '1.0.0', 'upload-length': '5' },
      });
      expect(await codeOf(response)).toBe('UPLOAD_METADATA_INVALID');
    });

    it('in part resumes where it was, and a finished one is not sent twice', async () => {
      const site = consortium.site('site-a');
      const half = good.bytes.subarray(0, 20_000);
      const created = await site.upload(offer.assignmentId, good, half);
      expect(created.headers.get('upload-offset')).toBe('20000');
      const again = await site.upload(offer.assignmentId, good);
      expect([again.status, again.headers.get('upload-offset')]).toEqual([201, '20000']);
      const rest = await site.api.fetch(`/v1/uploads/${offer.assignmentId}`, {
        method: 'PATCH',
        headers: {
          'tus-resumable': '1.0.0',
          'upload-offset': '20000',
          'content-type': 'application/offset+octet-stream',
        },
        body: new Uint8Array(good.bytes.subarray(20_000)),
      });
      expect(rest.status).toBe(204);
      const head = await site.api.fetch(`/v1/uploads/${offer.assignmentId}`, {
        method: 'HEAD',
        headers: { 'tus-resumable': '1.0.0' },
      });
      expect(head.headers.get('upload-offset')).toBe(String(good.bytes.length));
      expect((await site.upload(offer.assignmentId, good)).status).toBe(201);
      const other = buildUpdate(await site.globalWeights(offer), 'site-a', 99);
      expect(await codeOf(await site.upload(offer.assignmentId, other))).toBe('UPDATE_CONFLICT');
      const events = await consortium.events(runId);
      expect(
        events.filter(({ kind, detail }) => kind === 'assignment.state' && detail.state === 'received'),
      ).toHaveLength(1);
    });

    it.each([
      [
        'site-b',
        'UPDATE_NOT_FINITE',
        (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -4), Buffer.from('0000c07f', 'hex')]),
      ],
      [
        'site-c',
        'UPDATE_WRONG_MANIFEST',
        (bytes: Buffer) => {
          const { entries, headerBytes } = decodeSafetensorsHeader(bytes);
          const renamed = entries.map(({ name, dtype, shape }, index) => ({
            name: index === 0 ? `${name}.x` : name,
            dtype,
            shape,
          }));
          return Buffer.concat([encodeSafetensorsHeader(renamed), bytes.subarray(headerBytes)]);
        },
      ],
    ])('of %s that can never become right: %s ends the assignment', async (siteId, code, spoil) => {
      const site = consortium.site(siteId);
      await site.authenticate();
      const assignmentId = offer.assignmentId.replace('site-a', site.id);
      expect(await codeOf(await site.upload(assignmentId, ofBytes(spoil(good.bytes))))).toBe(code);
      const events = await consortium.events(runId);
      expect(
        events.some(
          ({ kind, siteId, detail }) => kind === 'update.refused' && siteId === site.id && detail.code === code,
        ),
      ).toBe(true);
    });

    it('for a round that has gone on', async () => {
      await consortium.until(runId, ({ roundsDone }) => roundsDone === 1);
      expect(
        await codeOf(await consortium.site('site-b').upload(offer.assignmentId.replace('site-a', 'site-b'), good)),
      ).toBe('ASSIGNMENT_CLOSED');
    });
  });

  it('drops the sockets of a revoked site at once', async () => {
    const site = consortium.site('site-c');
    const socket = site.newSocket({ accessToken: await site.authenticate() });
    const dropped = new Promise((resolve) => socket.once('disconnect', resolve));
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    site.close();
    const revoked = await consortium.coordinator.admin.post(`/v1/sites/${site.id}/revoke`, siteSchema);
    expect(revoked.state).toBe('revoked');
    await dropped;
    expect((await site.api.refusal('/v1/whoami')).code).toBe('SITE_REVOKED');
  });
});
