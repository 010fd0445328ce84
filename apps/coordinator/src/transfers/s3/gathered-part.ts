import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { releaseChunk } from '@tributary/federation';
import { FileAppender } from '../file-appender.js';

/** Where a part gathers: a range of an open file. */
export interface PartPlace {
  readonly file: FileHandle;
  readonly begin: number;
  readonly maxBytes: number;
}

/** A part of an upload that gathers on this machine's disk. */
export class GatheredPart {
  private readonly appender: FileAppender;
  private takenBytes = 0;

  constructor(private readonly place: PartPlace) {
    this.appender = new FileAppender(place.file, place.begin);
    this.appender.on('error', () => undefined); // told by `append` and `end`
  }

  get sizeBytes(): number {
    return this.takenBytes;
  }

  get isFull(): boolean {
    return this.takenBytes === this.place.maxBytes;
  }

  /** Takes what there is room for. @returns The rest, when more may come. @throws The system's error, such as ENOSPC. */
  async append(chunk: Buffer): Promise<Buffer> {
    const [taken, rest] = cut(chunk, this.place.maxBytes - this.takenBytes);
    this.takenBytes += taken.length;
    if (this.appender.errored !== null) throw this.appender.errored;
    if (!this.appender.write(taken)) await once(this.appender, 'drain');
    return rest;
  }

  /** Nothing more comes, and all is in the file. @throws The system's error. */
  async end(): Promise<void> {
    this.appender.end();
    await finished(this.appender);
  }

  /** Resolves when nothing is being written, also after a failure. */
  idle(): Promise<void> {
    return this.appender.idle();
  }

  /** Reads the part, after its end. @param buffer As large as the part. @throws The system's error. */
  async read(buffer: Buffer): Promise<void> {
    const { file, begin } = this.place;
    for (let done = 0; done < buffer.length;) {
      const { bytesRead } = await file.read(buffer, done, buffer.length - done, begin + done);
      if (bytesRead === 0) throw new Error('the part is shorter than what was written');
      done += bytesRead;
    }
  }
}

/** The first `count` bytes of a chunk and the rest, each with its memory alone, so that it is given back when it is written. */
function cut(chunk: Buffer, count: number): [Buffer, Buffer] {
  if (chunk.length <= count) return [chunk, Buffer.alloc(0)];
  const pieces: [Buffer, Buffer] = [ownCopy(chunk.subarray(0, count)), ownCopy(chunk.subarray(count))];
  releaseChunk(chunk);
  return pieces;
}

function ownCopy(bytes: Uint8Array): Buffer {
  return Buffer.from(new Uint8Array(bytes).buffer);
}
