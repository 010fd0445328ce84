import { randomUUID } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { releaseChunk, type ByteSource, type OpenBytes } from '@tributary/federation';
import { BlobStore, type ByteRange } from '../blob-store.js';
import { freeDiskBytes, removeOld } from '../disk-files.js';
import { sent, type Receiver } from '../send-file.js';
import { openBlobBytes, s3Address } from './s3-bytes.js';
import type { S3Bucket } from './s3-bucket.js';

const STORE_ID_KEY = 'store-id';
/** An upload over a slow line takes longer than making a file on this machine. */
const PARTS_AGE_FACTOR = 7;

const BLOBS = 'blobs/';
const keyOf = (sha256: string): string => `${BLOBS}${sha256}`;

/** Blobs as objects of a bucket. What is being made lies in a folder of this machine until it is whole. */
export class S3BlobStore extends BlobStore {
  private readonly openAddress: OpenBytes;

  private constructor(
    private readonly bucket: S3Bucket,
    private readonly stagingFolder: string,
  ) {
    super();
    this.openAddress = openBlobBytes(bucket);
  }

  static async open(bucket: S3Bucket, stagingFolder: string): Promise<S3BlobStore> {
    await mkdir(stagingFolder, { recursive: true });
    return new S3BlobStore(bucket, stagingFolder);
  }

  async storeId(): Promise<string> {
    if ((await this.bucket.sizeOf(STORE_ID_KEY)) === null) {
      await this.bucket.writeNew(STORE_ID_KEY, randomUUID());
    }
    return text(await this.bucket.read(STORE_ID_KEY));
  }

  addressOf(sha256: string): string {
    return s3Address(keyOf(sha256));
  }

  sizeOf(sha256: string): Promise<number | null> {
    return this.bucket.sizeOf(keyOf(sha256));
  }

  read(sha256: string, range?: ByteRange): Promise<Readable> {
    return this.bucket.read(keyOf(sha256), range);
  }

  openBytes(sha256: string): Promise<ByteSource> {
    return this.openAddress(this.addressOf(sha256));
  }

  async send(sha256: string, range: ByteRange, receiver: Receiver): Promise<void> {
    const body: AsyncIterable<Buffer> = await this.read(sha256, range);
    for await (const chunk of body) {
      await sent(receiver, chunk);
      releaseChunk(chunk);
    }
  }

  stagingPath(name: string): string {
    return join(this.stagingFolder, name);
  }

  async adopt(path: string, sha256: string): Promise<void> {
    const { size } = await stat(path);
    // An object appears whole, so one of this name has this content.
    if ((await this.sizeOf(sha256)) !== size) await this.bucket.writeFile(keyOf(sha256), path);
    await rm(path, { force: true });
  }

  /** Makes a whole object of the bucket a blob; the object stays. */
  async adoptObject(key: string, sha256: string): Promise<void> {
    await this.bucket.copy(key, keyOf(sha256));
  }

  async remove(sha256: string): Promise<number> {
    const sizeBytes = await this.sizeOf(sha256);
    if (sizeBytes !== null) await this.bucket.remove(keyOf(sha256));
    return sizeBytes ?? 0;
  }

  async olderThan(ageMs: number): Promise<string[]> {
    const old = (await this.bucket.list(BLOBS)).filter(({ modifiedAt }) => Date.now() - modifiedAt.getTime() >= ageMs);
    return old.map(({ key }) => key.slice(BLOBS.length));
  }

  async isOlderThan(sha256: string, ageMs: number): Promise<boolean> {
    const objects = await this.bucket.list(keyOf(sha256));
    return objects.some(({ modifiedAt }) => Date.now() - modifiedAt.getTime() >= ageMs);
  }

  freeBytes(): Promise<number> {
    return Promise.resolve(Infinity);
  }

  freeStagingBytes(): Promise<number> {
    return freeDiskBytes(this.stagingFolder);
  }

  async removeAbandonedStaging(ageMs: number): Promise<number> {
    return (await removeOld(this.stagingFolder, ageMs)) + (await this.bucket.abortOldParts(PARTS_AGE_FACTOR * ageMs));
  }
}
