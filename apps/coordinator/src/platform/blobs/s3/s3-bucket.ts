import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  paginateListObjectsV2,
  ListMultipartUploadsCommand,
} from '@aws-sdk/client-s3';
import { TributaryError } from '@tributary/protocol/errors';
import type { ByteRange } from '../blob-store.js';
import { PartBuffers } from './part-buffers.js';
import { copyObject } from './s3-copy.js';
import { alreadyExists, coded, isMissing, toStoreError } from './s3-errors.js';
import { s3ClientConfig, type S3Settings } from './s3-settings.js';
import { writeFileToObject } from './s3-write-file.js';

/** Parts of files and uploads that are on their way at a time: each takes 5 MiB of memory. */
const PARTS_AT_ONCE = 3;

export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

/**
 * The part of one bucket below the prefix; keys are without it. Every method throws TributaryError BLOB_STORE_UNREACHABLE
 * or BLOB_STORE_REFUSED when the store is away or does not let us.
 */
export class S3Bucket {
  readonly client: S3Client;
  /** For everything that travels to the bucket in parts. */
  readonly partBuffers = new PartBuffers(PARTS_AT_ONCE);

  constructor(readonly settings: S3Settings) {
    this.client = new S3Client(s3ClientConfig(settings));
  }

  /** A key with the prefix. */
  fullKey(key: string): string {
    return `${this.settings.prefix}${key}`;
  }

  /** Whether the bucket exists and lets us in. @throws TributaryError BLOB_STORE_REFUSED, BLOB_STORE_UNREACHABLE. */
  async check(): Promise<void> {
    try {
      await this.client.send(new HeadBucketCommand({ Bucket: this.settings.bucket }));
    } catch (error) {
      if (!isMissing(error)) throw toStoreError(error);
      throw new TributaryError('BLOB_STORE_REFUSED', { detail: 'the bucket does not exist' }, { cause: error });
    }
  }

  /** Size in bytes; null when there is no such object. */
  async sizeOf(key: string): Promise<number | null> {
    try {
      const { ContentLength } = await this.client.send(new HeadObjectCommand(this.object(key)));
      return ContentLength ?? 0;
    } catch (error) {
      if (isMissing(error)) return null;
      throw toStoreError(error);
    }
  }

  /** An object's bytes, or some of them. */
  async read(key: string, range?: ByteRange): Promise<Readable> {
    const part = range === undefined ? {} : { Range: `bytes=${range.begin}-${range.end - 1}` };
    const { Body } = await coded(this.client.send(new GetObjectCommand({ ...this.object(key), ...part })));
    if (Body instanceof Readable) return Body;
    throw new Error('the store answered without a body');
  }

  /** Writes a small object, unless there is one. */
  async writeNew(key: string, body: string): Promise<void> {
    try {
      await this.client.send(new PutObjectCommand({ ...this.object(key), Body: body, IfNoneMatch: '*' }));
    } catch (error) {
      if (!alreadyExists(error)) throw toStoreError(error);
    }
  }

  /** Writes a file of this machine into an object. */
  async writeFile(key: string, path: string): Promise<void> {
    await coded(writeFileToObject(this.client, this.object(key), { path, buffers: this.partBuffers }));
  }

  /** Copies inside of the bucket, on the server. */
  async copy(from: string, to: string): Promise<void> {
    const sizeBytes = await this.sizeOf(from);
    if (sizeBytes === null) throw new Error('the object to copy is gone');
    const place = { bucket: this.settings.bucket, from: this.fullKey(from), to: this.fullKey(to) };
    await coded(copyObject(this.client, place, { sizeBytes }));
  }

  /** Removing what is not there is no error. */
  async remove(key: string): Promise<void> {
    await coded(this.client.send(new DeleteObjectCommand(this.object(key))));
  }

  async list(prefix: string): Promise<ListedObject[]> {
    const pages = paginateListObjectsV2(
      { client: this.client },
      { Bucket: this.settings.bucket, Prefix: this.fullKey(prefix) },
    );
    const found: ListedObject[] = [];
    const collect = async (): Promise<void> => {
      for await (const { Contents = [] } of pages) {
        for (const { Key = '', Size = 0, LastModified = new Date(0) } of Contents) {
          found.push({ key: Key.slice(this.settings.prefix.length), sizeBytes: Size, modifiedAt: LastModified });
        }
      }
    };
    await coded(collect());
    return found;
  }

  /** Ends uploads in parts that were begun more than `ageMs` ago: their parts take room and are in no listing. */
  async abortOldParts(ageMs: number): Promise<number> {
    const { Uploads = [] } = await coded(
      this.client.send(new ListMultipartUploadsCommand({ Bucket: this.settings.bucket, Prefix: this.settings.prefix })),
    );
    const old = Uploads.filter(({ Initiated }) => Date.now() - (Initiated?.getTime() ?? Date.now()) >= ageMs);
    for (const { Key, UploadId } of old) {
      await coded(this.client.send(new AbortMultipartUploadCommand({ Bucket: this.settings.bucket, Key, UploadId })));
    }
    return old.length;
  }

  close(): void {
    this.client.destroy();
  }

  private object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.settings.bucket, Key: this.fullKey(key) };
  }
}
