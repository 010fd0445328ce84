import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { aggregateRound } from '@tributary/federation';
import { manifestLocations } from '@tributary/protocol/manifest';
import { encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { Upload } from '@tus/server';
import { closeBlobs, openBlobs, type Blobs } from '../../apps/coordinator/src/platform/blobs/open-blobs.js';
import type { S3Bucket } from '../../apps/coordinator/src/platform/blobs/s3/s3-bucket.js';
import { copyObject } from '../../apps/coordinator/src/platform/blobs/s3/s3-copy.js';
import { openBlobBytes } from '../../apps/coordinator/src/platform/blobs/s3/s3-bytes.js';
import { readConfig } from '../../apps/coordinator/src/platform/config/coordinator-config.js';
import { openUploadStore } from '../../apps/coordinator/src/transfers/open-upload-store.js';
import { s3Program, startS3Server, type S3Server } from '../support/s3-server.js';
import { CoordinatorProcess } from './support/coordinator-process.js';

jest.setTimeout(120_000);

const MEBIBYTE = 1024 ** 2;
const program = s3Program();
const stores = program === null ? ['a folder'] : ['a folder', 'S3'];
const CREDENTIALS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];
const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

let folder: string;
let server: S3Server | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-blobs-'));
  if (program !== null) server = await startS3Server(program);
});
afterAll(async () => {
  for (const name of CREDENTIALS) Reflect.deleteProperty(process.env, name);
  await server?.stop();
  rmSync(folder, { recursive: true });
});

function bucketOf(blobs: Blobs): S3Bucket | null {
  return blobs.kind === 's3' ? blobs.bucket : null;
}

function environmentOf(kind: string): NodeJS.ProcessEnv {
  if (kind === 'a folder') return { TRIBUTARY_BLOB_DIR: join(folder, 'shared') };
  const environment = server?.fresh() ?? {};
  // The SDK finds credentials in the environment of its process.
  for (const name of CREDENTIALS) process.env[name] = environment[name];
  return environment;
}

describe.each(stores)('blobs in %s', (kind) => {
  /** Two replicas of one store, each with a data folder of its own. */
  let replicas: [Blobs, Blobs];
  beforeAll(async () => {
    const environment = environmentOf(kind);
    const open = (name: string) => openBlobs(readConfig({ dataDir: join(folder, kind, name) }, environment));
    replicas = [await open('first'), await open('second')];
  });
  afterAll(() => replicas.forEach(closeBlobs));

  async function adopted(bytes: Buffer, name = 'made'): Promise<string> {
    const path = replicas[0].store.stagingPath(name);
    writeFileSync(path, bytes);
    await replicas[0].store.adopt(path, sha256Of(bytes));
    expect(existsSync(path)).toBe(false);
    return sha256Of(bytes);
  }

  it('are there for every replica, whole and by ranges, however often they are written', async () => {
    const bytes = randomBytes(20 * MEBIBYTE + 7);
    const sha256 = await adopted(bytes);
    expect(await adopted(bytes)).toBe(sha256);
    const { store } = replicas[1];
    expect(await store.sizeOf(sha256)).toBe(bytes.length);
    expect((await buffer(await store.read(sha256))).equals(bytes)).toBe(true);
    const part = await buffer(await store.read(sha256, { begin: 5, end: 70_005 }));
    expect(part.equals(bytes.subarray(5, 70_005))).toBe(true);
  });

  it('are read by windows at any position, up to the end', async () => {
    const bytes = randomBytes(3 * MEBIBYTE);
    const sha256 = await adopted(bytes);
    const source = await openBlobBytes(bucketOf(replicas[1]))(replicas[1].store.addressOf(sha256));
    expect(source.sizeBytes).toBe(bytes.length);
    for (const position of [0, 1_234_567, bytes.length - 1000]) {
      const window = Buffer.alloc(1_000_000);
      const count = await source.read(position, window);
      expect(count).toBe(Math.min(window.length, bytes.length - position));
      expect(window.subarray(0, count).equals(bytes.subarray(position, position + count))).toBe(true);
    }
    await source.close();
  });

  it('are gone for every replica when one has removed them', async () => {
    const sha256 = await adopted(Buffer.from('of no use'));
    expect(await replicas[1].store.remove(sha256)).toBe(9);
    expect(await replicas[0].store.sizeOf(sha256)).toBeNull();
    expect(await replicas[0].store.remove(sha256)).toBe(0);
  });

  it('are known by the age of their last writing', async () => {
    const sha256 = await adopted(Buffer.from('just written'));
    const { store } = replicas[1];
    expect(await store.olderThan(0)).toContain(sha256);
    expect(await store.olderThan(3600_000)).toEqual([]);
    expect([await store.isOlderThan(sha256, 0), await store.isOlderThan(sha256, 3600_000)]).toEqual([true, false]);
    await store.remove(sha256);
    expect([await store.olderThan(0), await store.isOlderThan(sha256, 0)]).toEqual([
      expect.not.arrayContaining([sha256]),
      false,
    ]);
  });

  it('are aggregated by windows, read from where they lie', async () => {
    const manifest = [{ name: 'weight', shape: [300_000] }];
    const header = encodeSafetensorsHeader(manifestLocations(manifest));
    const stored = (value: (index: number) => number, name: string) => {
      const values = Float32Array.from({ length: 300_000 }, (_, index) => value(index));
      return adopted(Buffer.concat([header, Buffer.from(values.buffer)]), name);
    };
    const address = async (sha256: Promise<string>) => replicas[1].store.addressOf(await sha256);
    const weightsPath = join(folder, `${kind}-weights`);
    const request = {
      strategy: { kind: 'fedavg' as const },
      siteCount: 2,
      manifest,
      updates: [
        { siteId: 'site-a', path: await address(stored(() => 1, 'a')), images: 1 },
        { siteId: 'site-b', path: await address(stored(() => 4, 'b')), images: 2 },
      ],
      globalPath: await address(stored((index) => index, 'global')),
      out: { weightsPath },
      windowBytes: 512 * 1024,
    };
    await aggregateRound(request, { open: openBlobBytes(bucketOf(replicas[1])) });
    const bytes = readFileSync(weightsPath).subarray(header.length);
    const weights = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    // The mean of the updates, weighted by images: (1 x 1 + 2 x 4) / 3 = 3.
    expect(weights.length).toBe(300_000);
    expect(weights.every((weight, index) => weight === index + 3)).toBe(true);
  });

  it('say how much room there is', async () => {
    expect(await replicas[0].store.freeBytes()).toBeGreaterThan(0);
    expect(await replicas[0].store.freeStagingBytes()).toBeLessThan(2 ** 53);
  });

  it('come from uploads that were begun at one replica and ended at the other', async () => {
    const first = await openUploadStore(replicas[0]);
    const second = await openUploadStore(replicas[1]);
    const bytes = randomBytes(12 * MEBIBYTE + 100);
    const id = 'run-12345678-r1-a0-site-a';
    const metadata = { assignmentId: id };
    expect(await first.find(id)).toBeNull();
    await first.datastore.create(new Upload({ id: first.idOf(id), size: bytes.length, offset: 0, metadata }));
    // The first piece is too small for a part of its own in S3, the last ends one.
    let offset = 0;
    for (const [index, end] of [300_000, 9 * MEBIBYTE, bytes.length].entries()) {
      const replica = index === 1 ? second : first;
      const known = await replica.find(id);
      expect([known?.offset, known?.size, known?.metadata]).toEqual([offset, bytes.length, metadata]);
      offset = await replica.datastore.write(Readable.from([bytes.subarray(offset, end)]), replica.idOf(id), offset);
      expect(offset).toBe(end);
    }
    expect(await second.list()).toEqual([id]);
    expect((await buffer(await second.read(id))).equals(bytes)).toBe(true);
    await second.adopt(id, sha256Of(bytes));
    await second.discard(id);
    expect((await buffer(await replicas[0].store.read(sha256Of(bytes)))).equals(bytes)).toBe(true);
    expect([await first.find(id), await first.list()]).toEqual([null, []]);
  });

  it('leave nothing of uploads that were given up, and of half-made files', async () => {
    const uploads = await openUploadStore(replicas[0]);
    await uploads.datastore.create(new Upload({ id: uploads.idOf('abandoned'), size: 10 * MEBIBYTE, offset: 0 }));
    await uploads.datastore.write(Readable.from([Buffer.alloc(100)]), uploads.idOf('abandoned'), 0);
    writeFileSync(replicas[0].store.stagingPath('half-made'), 'x');
    expect(await uploads.removeAbandoned(3600_000)).toBe(0);
    expect(await uploads.removeAbandoned(0)).toBeGreaterThan(0);
    expect(await uploads.list()).toEqual([]);
    expect(await replicas[0].store.removeAbandonedStaging(3600_000)).toBe(0);
    expect(await replicas[0].store.removeAbandonedStaging(0)).toBe(1);
  });
});

(program === null ? describe.skip : describe)('S3', () => {
  it('copies a large object in parts', async () => {
    const blobs = await openBlobs(readConfig({ dataDir: join(folder, 'copies') }, environmentOf('S3')));
    if (blobs.kind !== 's3') throw new Error('not S3');
    const { bucket } = blobs;
    const bytes = randomBytes(11 * MEBIBYTE);
    writeFileSync(join(folder, 'large'), bytes);
    await bucket.writeFile('uploads/large', join(folder, 'large'));
    const place = { bucket: bucket.settings.bucket, from: 'uploads/large', to: 'blobs/large' };
    await copyObject(bucket.client, place, { sizeBytes: bytes.length, partBytes: 5 * MEBIBYTE });
    expect((await buffer(await bucket.read('blobs/large'))).equals(bytes)).toBe(true);
    closeBlobs(blobs);
  });

  it('that is away, has no such bucket or does not know the key is named at the start, without the key', async () => {
    const good = environmentOf('S3');
    const cases: [NodeJS.ProcessEnv, { exitCode: number; code: string }][] = [
      [{ TRIBUTARY_S3_ENDPOINT: 'http://127.0.0.1:1' }, { exitCode: 5, code: 'BLOB_STORE_UNREACHABLE' }],
      [{ TRIBUTARY_S3_BUCKET: 'no-such-bucket' }, { exitCode: 1, code: 'BLOB_STORE_REFUSED' }],
      [{ AWS_SECRET_ACCESS_KEY: 'wrong' }, { exitCode: 1, code: 'BLOB_STORE_REFUSED' }],
      [{ TRIBUTARY_S3_PREFIX: '/absolute' }, { exitCode: 2, code: 'CONFIG_INVALID' }],
    ];
    for (const [change, expected] of cases) {
      const coordinator = new CoordinatorProcess(join(folder, 'refused'), { ...good, ...change });
      expect(await coordinator.failure(['start', '--port', '0'])).toEqual(expected);
    }
  });
});
