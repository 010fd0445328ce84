import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { siteSchema, type AssignmentOffer } from '@tributary/protocol';
import { z } from 'zod';
import { buildRecipe } from '../factories/recipe.js';
import { eventually } from '../support/processes.js';
import { startPostgres, type PostgresCluster } from '../support/postgres.js';
import { s3Program, startS3Server, type S3Server } from '../support/s3-server.js';
import type { BuiltResult } from '../factories/update.js';
import { Api } from './support/api.js';
import { Consortium } from './support/consortium.js';
import { CoordinatorProcess } from './support/coordinator-process.js';
import { answerAtOnce, uploadHeaders, type FakeSite } from './support/fake-site.js';

jest.setTimeout(120_000);

const program = s3Program();
const stores = program === null ? ['a folder'] : ['a folder', 'S3'];
const withPostgres = process.env.TRIBUTARY_SKIP_POSTGRES === '1' ? describe.skip : describe;
const TUS = { 'tus-resumable': '1.0.0' };

withPostgres.each(stores)('two replicas on one PostgreSQL and %s', (kind) => {
  let folder: string;
  let postgres: PostgresCluster;
  let s3: S3Server | undefined;
  let environment: NodeJS.ProcessEnv;
  let consortium: Consortium;
  let second: CoordinatorProcess;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-replicas-'));
    postgres = await startPostgres();
    if (program !== null && kind === 'S3') s3 = await startS3Server(program);
    environment = {
      DATABASE_URL: postgres.createDatabase('replicas'),
      TRIBUTARY_SECRETS_DIR: join(folder, 'secrets'),
      ...(s3?.fresh() ?? { TRIBUTARY_BLOB_DIR: join(folder, 'blobs') }),
    };
    consortium = await Consortium.create(environment, ['site-a']);
    second = new CoordinatorProcess(join(folder, 'second'), environment);
    await second.start();
    for (const siteId of ['site-b', 'site-c']) {
      const site = await consortium.enrolledSite(siteId);
      site.url = second.url;
      await site.connect();
      consortium.sites.push(site);
    }
  });
  afterEach(() => {
    for (const site of consortium.sites) site.behaviour = answerAtOnce;
  });
  afterAll(async () => {
    await second.stop();
    await consortium.close();
    await s3?.stop();
    postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const connectedSites = async ({ admin }: CoordinatorProcess): Promise<string[]> => {
    const sites = await admin.get('/v1/sites', z.array(siteSchema));
    return sites.filter(({ connected }) => connected).map(({ id }) => id);
  };

  it('reach the sites of each other, and take a run through its rounds together', async () => {
    for (const replica of [consortium.coordinator, second]) {
      await eventually('all are connected', async () => (await connectedSites(replica)).length === 3 || undefined);
    }
    // A minute for an offer whose hint does not arrive would fail this.
    const runId = await consortium.createRun(buildRecipe({ count: 3, quorum: 3 }));
    const run = await consortium.until(runId, ({ state }) => state === 'completed');
    const weights = run.release?.weights.sha256 ?? '';
    const files = await Promise.all(
      [consortium.coordinator, second].map(({ admin }) => admin.bytes(`/v1/blobs/${weights}`)),
    );
    expect(files[0]?.equals(files[1] ?? Buffer.alloc(0))).toBe(true);
  });

  it('go on with an upload of each other, also while the first still waits for bytes of a broken connection', async () => {
    const { site, offer } = await offered();
    const result = await site.result(offer);
    const half = Math.floor(result.bytes.length / 2);
    // The first replica is promised everything and gets a half; the connection stays open.
    const path = `/v1/uploads/${offer.assignmentId}`;
    const headers = uploadHeaders(offer.assignmentId, result);
    expect((await site.api.fetch('/v1/uploads', { method: 'POST', headers })).status).toBe(201);
    const broken = httpRequest(`${consortium.coordinator.url}${path}`, {
      method: 'PATCH',
      headers: {
        ...TUS,
        'upload-offset': '0',
        authorization: `Bearer ${await site.authenticate()}`,
        'content-type': 'application/offset+octet-stream',
        'content-length': result.bytes.length,
      },
    });
    broken.on('error', () => undefined);
    broken.write(result.bytes.subarray(0, half));
    site.url = second.url;
    const offset = await eventually('the second knows the half', async () => {
      const response = await site.api.fetch(path, { method: 'HEAD', headers: TUS });
      return response.headers.get('upload-offset') === String(half) ? half : undefined;
    });
    const rest = await site.api.fetch(path, {
      method: 'PATCH',
      headers: { ...TUS, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
      body: new Uint8Array(result.bytes.subarray(offset)),
    });
    expect([rest.status, rest.headers.get('upload-offset')]).toEqual([204, String(result.bytes.length)]);
    broken.destroy();
  });

  it('count an upload once that is sent to both at the same time', async () => {
    const { site, offer } = await offered();
    const result = await site.result(offer);
    const runId = offer.runId;
    const urls = [consortium.coordinator.url, second.url, consortium.coordinator.url, second.url];
    await Promise.all(urls.map((url) => sendAll(new Api(url, site.accessToken), offer.assignmentId, result)));
    const events = await consortium.events(runId);
    const received = events.filter(({ siteId, detail }) => siteId === site.id && detail.state === 'received');
    expect(received.length).toBe(1);
  });

  it('refuse a third with other keys or other files', async () => {
    const others = [
      { TRIBUTARY_SECRETS_DIR: undefined },
      { TRIBUTARY_S3_BUCKET: undefined, TRIBUTARY_BLOB_DIR: undefined },
    ];
    for (const [index, change] of others.entries()) {
      const third = new CoordinatorProcess(join(folder, `third-${index}`), { ...environment, ...change });
      expect(await third.failure(['start', '--port', '0'])).toEqual({ exitCode: 1, code: 'REPLICA_MISMATCH' });
    }
  });

  it('know soon that the sites of a killed one are not connected any more', async () => {
    for (const site of consortium.sites.slice(1)) site.close();
    await second.kill();
    await eventually('only the site of the living one is connected', async () => {
      const connected = await connectedSites(consortium.coordinator);
      return connected.join() === 'site-a' ? connected : undefined;
    });
    await second.start();
    for (const site of consortium.sites.slice(1)) {
      site.url = second.url;
      await site.connect();
    }
  });

  it('are known to live again, and take uploads, after the database was killed and came back', async () => {
    process.kill(postgres.pid(), 'SIGKILL');
    await postgres.restart();
    await eventually(
      'the first lives',
      async () => (await connectedSites(consortium.coordinator)).includes('site-a') || undefined,
    );
    const { site, offer } = await offered();
    await sendAll(new Api(consortium.coordinator.url, site.accessToken), offer.assignmentId, await site.result(offer));
  });

  /** Sends as an agent does: what is cut off, because another request wants to write, is gone on with. */
  function sendAll(api: Api, assignmentId: string, result: BuiltResult): Promise<true> {
    const path = `/v1/uploads/${assignmentId}`;
    return eventually('the upload is taken', async () => {
      const created = await api.fetch('/v1/uploads', { method: 'POST', headers: uploadHeaders(assignmentId, result) });
      const offset = Number(created.headers.get('upload-offset'));
      if (!created.ok || offset === result.bytes.length) return created.ok || undefined;
      const rest = await api.fetch(path, {
        method: 'PATCH',
        headers: { ...TUS, 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
        body: new Uint8Array(result.bytes.subarray(offset)),
      });
      return rest.ok || undefined;
    });
  }

  /** One site's part of a run whose other sites stay silent. */
  async function offered(): Promise<{ site: FakeSite; offer: AssignmentOffer }> {
    const [site] = consortium.sites;
    if (site === undefined) throw new Error('no site');
    let offer: AssignmentOffer | undefined;
    for (const each of consortium.sites) each.behaviour = () => Promise.resolve();
    site.behaviour = async (_, one) => {
      await site.answer(one.assignmentId, 'accept');
      offer = one;
    };
    site.url = consortium.coordinator.url;
    await consortium.createRun(buildRecipe({ count: 1, quorum: 1 }));
    return {
      site,
      offer: await eventually('an offer comes', async () => {
        for (const each of consortium.sites) await each.look();
        return offer;
      }),
    };
  }
});
