import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { S3Store, type MetadataValue } from '@tus/s3-store';
import type { KvStore, Upload } from '@tus/server';
import type { S3BlobStore } from '../../platform/blobs/s3/s3-blob-store.js';
import type { S3Bucket } from '../../platform/blobs/s3/s3-bucket.js';
import { coded } from '../../platform/blobs/s3/s3-errors.js';
import { LEAST_PART_BYTES, MOST_PARTS } from '../../platform/blobs/s3/s3-parts.js';
import { s3ClientConfig } from '../../platform/blobs/s3/s3-settings.js';
import type { GatheredPart } from './gathered-part.js';
import { sendInParts } from './send-in-parts.js';
import { leaveBodiesUnsigned } from './unsigned-bodies.js';

/** Another replica may have begun an upload anew: what is known of it is read each time. */
const NO_CACHE: KvStore<MetadataValue> = {
  get: () => Promise.resolve(undefined),
  set: () => Promise.resolve(),
  delete: () => Promise.resolve(),
};

/**
 * Unlike its base it says with a code that the store is away, sends the parts of an upload in their order, and holds only those
 * in memory that are on their way: the base takes what came after a lost part for what comes after the part before it.
 */
export class PartsS3Store extends S3Store {
  constructor(
    private readonly blobs: S3BlobStore,
    private readonly s3: S3Bucket,
  ) {
    super({
      s3ClientConfig: { ...s3ClientConfig(s3.settings), bucket: s3.settings.bucket },
      cache: NO_CACHE,
      useTags: false,
      partSize: LEAST_PART_BYTES,
      minPartSize: LEAST_PART_BYTES,
      maxMultipartParts: MOST_PARTS,
    });
    leaveBodiesUnsigned(this.client);
  }

  override create(upload: Upload): Promise<Upload> {
    return coded(super.create(upload));
  }

  override write(bytes: Readable, id: string, offset: number): Promise<number> {
    return coded(super.write(bytes, id, offset));
  }

  /** @param offset Of the first byte of `body` in the upload. @returns How many bytes of it are in the store. */
  protected override uploadParts(
    metadata: MetadataValue,
    body: Readable,
    firstPartNumber: number,
    offset: number,
  ): Promise<number> {
    const { size } = metadata.file;
    let partNumber = firstPartNumber;
    let end = offset;
    const send = (part: GatheredPart): Promise<void> =>
      this.s3.partBuffers.use(part.sizeBytes, async (buffer) => {
        await part.read(buffer);
        end += buffer.length;
        if (buffer.length < this.minPartSize && end !== size) return this.keepRest(metadata, buffer);
        await this.uploadPart(metadata, buffer, partNumber++);
      });
    const stagingPath = this.blobs.stagingPath(randomUUID());
    return sendInParts(body, { partBytes: this.calcOptimalPartSize(size), stagingPath, send });
  }

  /** What is too little for a part of its own: the next request begins with it. */
  private async keepRest({ file }: MetadataValue, bytes: Buffer): Promise<void> {
    await this.client.putObject({ Bucket: this.bucket, Key: this.partKey(file.id, true), Body: bytes });
  }
}
