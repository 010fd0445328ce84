import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { ByteRange } from '../blob-store.js';
import { StoredObject, StreamBudget } from './stored-object.js';

const content = Buffer.from(Uint8Array.from({ length: 10_000 }, (_, i) => (i * 31 + (i >> 8)) % 251));
const CHUNK_BYTES = 1000;

/** A bucket of one object that comes in chunks, and of which some answers break after a number of bytes. */
function bucketThatBreaks(breaksAfter: readonly number[] = []) {
  const asked: ByteRange[] = [];
  let open = 0;
  const read = (_key: string, range: ByteRange = { begin: 0, end: content.length }): Promise<Readable> => {
    const limit = breaksAfter[asked.length] ?? Infinity;
    asked.push(range);
    open++;
    const chunks = function* () {
      for (let at = range.begin; at < range.end; at += CHUNK_BYTES) {
        if (at - range.begin >= limit) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
        // A chunk has its memory alone, as those of a socket have.
        yield new Uint8Array(content.subarray(at, Math.min(at + CHUNK_BYTES, range.end)));
      }
    };
    const body = Readable.from(chunks(), { objectMode: true });
    body.once('close', () => open--);
    return Promise.resolve(body);
  };
  return {
    bucket: { read, sizeOf: () => Promise.resolve(content.length) },
    asked,
    openNow: () => delay(0).then(() => open),
  };
}

function objectOf({ bucket }: ReturnType<typeof bucketThatBreaks>, places = 8): StoredObject {
  return new StoredObject({ bucket, key: 'blobs/x', sizeBytes: content.length, budget: new StreamBudget(places) });
}

async function bytesAt(object: StoredObject, position: number, count: number): Promise<Buffer> {
  const bytes = Buffer.alloc(count);
  return bytes.subarray(0, await object.read(position, bytes));
}

describe('a stored object', () => {
  it('is read from its beginning to its end with one request, whatever the steps', async () => {
    const stored = bucketThatBreaks();
    const object = objectOf(stored);
    const read: Buffer[] = [];
    for (let at = 0, step = 1; at < content.length; at += step, step += 333) {
      read.push(await bytesAt(object, at, step));
    }
    expect(Buffer.concat(read).equals(content)).toBe(true);
    expect(stored.asked).toEqual([{ begin: 0, end: content.length }]);
    expect(await stored.openNow()).toBe(0);
  });

  it('is read at several places in turns with one request for each', async () => {
    const stored = bucketThatBreaks();
    const object = objectOf(stored);
    for (let at = 0; at < 5000; at += 700) {
      const parts = await Promise.all([bytesAt(object, at, 700), bytesAt(object, 5000 + at, 700)]);
      expect(Buffer.concat(parts)).toEqual(
        Buffer.concat([content.subarray(at, at + 700), content.subarray(5000 + at, 5000 + at + 700)]),
      );
    }
    expect(stored.asked.map(({ begin }) => begin)).toEqual([0, 5000]);
    await object.close();
    expect(await stored.openNow()).toBe(0);
  });

  it('keeps no more places open than an update has vectors', async () => {
    const stored = bucketThatBreaks();
    const object = objectOf(stored, 100);
    for (let at = 9000; at > 0; at -= 900) await bytesAt(object, at, 10);
    expect(await stored.openNow()).toBe(4);
    await object.close();
    expect(await stored.openNow()).toBe(0);
  });

  it('asks for what it reads alone when too many streams are open already', async () => {
    const stored = bucketThatBreaks();
    const object = objectOf(stored, 1);
    await bytesAt(object, 0, 10);
    expect(await bytesAt(object, 5000, 2500)).toEqual(content.subarray(5000, 7500));
    expect(stored.asked).toEqual([
      { begin: 0, end: content.length },
      { begin: 5000, end: 7500 },
    ]);
    expect(await stored.openNow()).toBe(1);
    await object.close();
    await bytesAt(object, 100, 10);
    expect(stored.asked[2]).toEqual({ begin: 100, end: content.length });
  });

  it('asks for the rest again when a connection breaks, also one that has waited', async () => {
    const stored = bucketThatBreaks([3000, 2000]);
    const object = objectOf(stored);
    expect(await bytesAt(object, 0, 2000)).toEqual(content.subarray(0, 2000));
    expect(await bytesAt(object, 2000, 8000)).toEqual(content.subarray(2000));
    expect(stored.asked.length).toBe(3);
  });

  it('says that the store is away when connections go on breaking', async () => {
    const object = objectOf(bucketThatBreaks([0, 0, 0, 0]));
    await expect(object.read(0, Buffer.alloc(10))).rejects.toMatchObject({ code: 'BLOB_STORE_UNREACHABLE' });
  });

  it('ends where the object does', async () => {
    expect(await bytesAt(objectOf(bucketThatBreaks()), 9990, 100)).toEqual(content.subarray(9990));
    expect(await bytesAt(objectOf(bucketThatBreaks()), 20_000, 100)).toEqual(Buffer.alloc(0));
  });
});
