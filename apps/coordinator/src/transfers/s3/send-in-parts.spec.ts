import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { GatheredPart } from './gathered-part.js';
import { sendInParts } from './send-in-parts.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-send-in-parts-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const content = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) % 251));

/** Chunks that have their memory alone, as those of a request do. */
function* chunksOf(bytes: Buffer, chunkBytes: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes)
    yield Buffer.from(new Uint8Array(bytes.subarray(at, at + chunkBytes)).buffer);
}

async function contentOf(part: GatheredPart): Promise<Buffer> {
  const bytes = Buffer.alloc(part.sizeBytes);
  await part.read(bytes);
  return bytes;
}

describe('sending in parts', () => {
  it('sends all bytes in parts of one size and a last one, one part at a time, in order', async () => {
    const sizes = fc.record({
      sizeBytes: fc.integer({ min: 1, max: content.length }),
      chunkBytes: fc.integer({ min: 997, max: 70_000 }),
      partBytes: fc.integer({ min: 10_000, max: 150_000 }),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ sizeBytes, chunkBytes, partBytes }) => {
        const whole = content.subarray(0, sizeBytes);
        const parts: Buffer[] = [];
        let underWay = 0;
        const send = async (part: GatheredPart): Promise<void> => {
          expect(++underWay).toBe(1);
          await delay(0);
          parts.push(await contentOf(part));
          underWay--;
        };
        const body = Readable.from(chunksOf(whole, chunkBytes));
        expect(await sendInParts(body, { partBytes, stagingPath: join(folder, 'staged'), send })).toBe(sizeBytes);
        expect(Buffer.concat(parts).equals(whole)).toBe(true);
        expect(parts.slice(0, -1).every(({ length }) => length === partBytes)).toBe(true);
        expect(parts.length).toBe(Math.ceil(sizeBytes / partBytes));
      }),
      { numRuns: 20 },
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes no more than two parts from a stream that is quicker than the store', async () => {
    let taken = 0;
    const counted = function* () {
      for (const chunk of chunksOf(content, 10_000)) {
        taken += chunk.length;
        yield chunk;
      }
    };
    let arrive: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    const body = Readable.from(counted(), { highWaterMark: 1 });
    const send = () => arrived;
    const sending = sendInParts(body, { partBytes: 50_000, stagingPath: join(folder, 'quick'), send });
    await delay(50);
    expect(taken).toBeGreaterThanOrEqual(100_000);
    expect(taken).toBeLessThanOrEqual(130_000);
    arrive();
    expect(await sending).toBe(content.length);
  });

  it('fails with the store at once, when the stream is slow too, and sends nothing more', async () => {
    const slow = new Readable({ read: () => undefined });
    for (const chunk of chunksOf(content.subarray(0, 60_000), 10_000)) slow.push(chunk);
    let sent = 0;
    const send = () => {
      sent++;
      return Promise.reject(new Error('the store is away'));
    };
    const sending = sendInParts(slow, { partBytes: 50_000, stagingPath: join(folder, 'away'), send });
    await expect(sending).rejects.toThrow('the store is away');
    expect([sent, slow.destroyed]).toEqual([1, true]);
  });

  it('fails with the stream when what came before is sent', async () => {
    const sent: number[] = [];
    const broken = Readable.from(
      (function* () {
        yield* chunksOf(content.subarray(0, 60_000), 10_000);
        throw new Error('too many bytes');
      })(),
    );
    const send = (part: GatheredPart) => {
      sent.push(part.sizeBytes);
      return delay(5);
    };
    const sending = sendInParts(broken, { partBytes: 50_000, stagingPath: join(folder, 'broken'), send });
    await expect(sending).rejects.toThrow('too many bytes');
    expect(sent).toEqual([50_000]);
  });

  it('says why when there is no room for a part', async () => {
    const body = Readable.from(chunksOf(content, 10_000));
    const stagingPath = join(folder, 'missing', 'staged');
    const sending = sendInParts(body, { partBytes: 50_000, stagingPath, send: () => Promise.resolve() });
    await expect(sending).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
