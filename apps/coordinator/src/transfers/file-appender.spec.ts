import { mkdtemp, open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FileAppender } from './file-appender.js';

let folder = '';
let file: FileHandle;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tributary-file-appender-'));
  file = await open(join(folder, 'upload'), 'w+');
});
afterEach(async () => {
  await file.close();
  await rm(folder, { recursive: true, force: true });
});

/** Chunks that have their memory alone, as those of a request do. */
function chunksOf(content: Buffer, chunkBytes: number): Buffer[] {
  return Array.from({ length: Math.ceil(content.length / chunkBytes) }, (_, index) =>
    Buffer.from(new Uint8Array(content.subarray(index * chunkBytes, (index + 1) * chunkBytes)).buffer),
  );
}

const content = Buffer.from(Uint8Array.from({ length: 1_000_003 }, (_, i) => (i * 31 + (i >> 8)) % 251));

describe('FileAppender', () => {
  it('writes chunks of any size behind one another, from its position on', async () => {
    await file.write('begin');
    const ends: number[] = [];
    const appender = new FileAppender(file, 5, (reachedBytes) => ends.push(reachedBytes));
    await pipeline(Readable.from(chunksOf(content, 65_483)), appender);
    expect([ends.at(-1), ends.toSorted((a, b) => a - b)]).toEqual([5 + content.length, ends]);
    expect(appender.reachedBytes).toBe(5 + content.length);
    const written = await readFile(join(folder, 'upload'));
    expect(written.equals(Buffer.concat([Buffer.from('begin'), content]))).toBe(true);
  });

  it('goes on after writes that took only some of the bytes', async () => {
    const halting = {
      writev: async (chunks: readonly Uint8Array[], position: number) => {
        const some = Buffer.concat(chunks).subarray(0, 100_000);
        return file.write(some, 0, some.length, position);
      },
    };
    const appender = new FileAppender(halting, 0);
    await pipeline(Readable.from(chunksOf(content, 65_536)), appender);
    expect((await readFile(join(folder, 'upload'))).equals(content)).toBe(true);
  });

  it('gives back the memory that a chunk has alone, and no other', async () => {
    const [alone, part] = [chunksOf(content, 1000)[0] ?? Buffer.alloc(0), content.subarray(0, 1000)];
    await pipeline(Readable.from([alone, part]), new FileAppender(file, 0));
    expect([alone.length, part.length, content.length]).toEqual([0, 1000, 1_000_003]);
  });

  it('fails with what the system says, and is idle then', async () => {
    const full = { writev: () => Promise.reject(new Error('no space')) };
    const appender = new FileAppender(full, 7);
    await expect(pipeline(Readable.from(chunksOf(content, 65_536)), appender)).rejects.toThrow('no space');
    await appender.idle();
    expect(appender.reachedBytes).toBe(7);
  });
});
