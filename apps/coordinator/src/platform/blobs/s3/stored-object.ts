import type { ByteSource } from '@tributary/federation';
import { toStoreError } from './s3-errors.js';
import { ObjectStream, type ObjectReads } from './object-stream.js';

/** A connection may break in the middle, and servers end those that wait for long: the rest is asked for again. */
const MAX_ATTEMPTS = 4;
/** Places of an object that are read in turns: every vector of an update is one. */
const MOST_PLACES = 4;

export interface StoredObjectOptions {
  readonly bucket: ObjectReads;
  readonly key: string;
  readonly sizeBytes: number;
  /** Over all objects that are given it. */
  readonly budget: StreamBudget;
}

/** How many streams may stay open until they are read on: each holds a connection. */
export class StreamBudget {
  constructor(private left: number) {}

  /** @returns What gives a stream's place back; null when there is no place. */
  take(): (() => void) | null {
    if (this.left === 0) return null;
    this.left--;
    return () => {
      this.left++;
    };
  }
}

/**
 * The bytes of an object. A read that goes on where an earlier one ended, as reads of weights do, goes on with its request; only
 * one that begins elsewhere makes a new one. Memory is what the caller hands in and a chunk for each place.
 */
export class StoredObject implements ByteSource {
  readonly sizeBytes: number;
  /** Streams that nobody reads from now, the one that has waited longest first. */
  private waiting: ObjectStream[] = [];

  constructor(private readonly options: StoredObjectOptions) {
    this.sizeBytes = options.sizeBytes;
  }

  async read(position: number, bytes: Uint8Array): Promise<number> {
    const wanted = bytes.subarray(0, Math.max(0, this.sizeBytes - position));
    let done = 0;
    for (let attempt = 1; done < wanted.length && attempt <= MAX_ATTEMPTS; attempt++) {
      try {
        done += await this.readSome(position + done, wanted.subarray(done));
      } catch (error) {
        if (attempt === MAX_ATTEMPTS) throw toStoreError(error);
      }
    }
    return done;
  }

  close(): Promise<void> {
    for (const stream of this.waiting.splice(0)) stream.close();
    return Promise.resolve();
  }

  private async readSome(position: number, bytes: Uint8Array): Promise<number> {
    const stream = await this.streamAt(position, bytes.length);
    try {
      const count = await stream.read(bytes);
      this.keep(stream);
      return count;
    } catch (error) {
      stream.close();
      throw error;
    }
  }

  private async streamAt(position: number, sizeBytes: number): Promise<ObjectStream> {
    const known = this.waiting.findIndex((stream) => stream.position === position);
    const [stream] = known < 0 ? [] : this.waiting.splice(known, 1);
    return stream ?? this.open(position, sizeBytes);
  }

  /** To the end of the object, when it may wait for the next read; else only what is read now. */
  private async open(begin: number, sizeBytes: number): Promise<ObjectStream> {
    const { bucket, key, budget } = this.options;
    const giveBack = budget.take();
    const end = giveBack === null ? begin + sizeBytes : this.sizeBytes;
    try {
      return await ObjectStream.open(bucket, { key, begin, end }, giveBack ?? (() => undefined));
    } catch (error) {
      giveBack?.();
      throw error;
    }
  }

  private keep(stream: ObjectStream): void {
    if (stream.position === null) return stream.close();
    this.waiting.push(stream);
    if (this.waiting.length > MOST_PLACES) this.waiting.shift()?.close();
  }
}
