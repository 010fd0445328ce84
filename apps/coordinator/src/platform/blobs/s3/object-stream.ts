import type { Readable } from 'node:stream';
import { releaseChunk } from '@tributary/federation/vectors/release-chunk';
import type { ByteRange } from '../blob-store.js';
import type { S3Bucket } from './s3-bucket.js';

/** What is asked of a bucket to read its objects. */
export type ObjectReads = Pick<S3Bucket, 'sizeOf' | 'read'>;

/** Some bytes of an object, one after the other, as the answer to one request: what is not asked for yet waits at the server. */
export class ObjectStream {
  /** What has come and was not asked for yet. */
  private chunk: Uint8Array | undefined;
  private used = 0;
  private nextPosition: number;
  private isOpen = true;

  private readonly chunks: AsyncIterator<Uint8Array>;

  private constructor(
    private readonly body: Readable,
    private readonly range: ByteRange,
    private readonly onClose: () => void,
  ) {
    this.chunks = body[Symbol.asyncIterator]();
    this.nextPosition = range.begin;
  }

  /** @param onClose Called once, when the connection is let go. @throws TributaryError as the bucket does. */
  static async open(
    bucket: ObjectReads,
    { key, ...range }: ByteRange & { readonly key: string },
    onClose: () => void,
  ): Promise<ObjectStream> {
    return new ObjectStream(await bucket.read(key, range), range, onClose);
  }

  /** Where in the object the next byte is; null when all have been read. */
  get position(): number | null {
    return this.nextPosition < this.range.end ? this.nextPosition : null;
  }

  /** Reads until `bytes` is full or the answer ends. @returns How many bytes were read. @throws The connection's error. */
  async read(bytes: Uint8Array): Promise<number> {
    let done = 0;
    while (done < bytes.length) {
      const chunk = this.chunk ?? (await this.next());
      if (chunk === undefined) break;
      const part = chunk.subarray(this.used, this.used + bytes.length - done);
      bytes.set(part, done);
      done += part.length;
      this.used += part.length;
      if (this.used === chunk.length) this.release();
    }
    this.nextPosition += done;
    return done;
  }

  /** Lets the connection go. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.release();
    this.body.destroy();
    this.onClose();
  }

  private async next(): Promise<Uint8Array | undefined> {
    const next = await this.chunks.next();
    this.chunk = next.done === true ? undefined : next.value;
    return this.chunk;
  }

  private release(): void {
    if (this.chunk !== undefined) releaseChunk(this.chunk);
    this.chunk = undefined;
    this.used = 0;
  }
}
