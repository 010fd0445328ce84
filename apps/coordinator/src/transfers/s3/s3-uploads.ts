import type { Readable } from 'node:stream';
import type { Upload } from '@tus/server';
import type { S3BlobStore } from '../../platform/blobs/s3/s3-blob-store.js';
import type { S3Bucket } from '../../platform/blobs/s3/s3-bucket.js';
import { s3Address } from '../../platform/blobs/s3/s3-bytes.js';
import { UploadStore } from '../upload-store.js';
import { PartsS3Store } from './parts-s3-store.js';

const FOLDER = 'uploads/';
/** Names that @tus/s3-store gives: what was announced, and bytes that are too few for a part of their own. */
const INFO_SUFFIX = '.info';
const REST_SUFFIX = '.part';
/** A slow upload is begun long before it ends, and S3 knows only its beginning. */
const BEGUN_AGE_FACTOR = 7;

/** Uploads as multipart uploads of a bucket. */
export class S3Uploads extends UploadStore {
  readonly datastore: PartsS3Store;
  readonly isReadableEarly = false;

  constructor(
    private readonly blobs: S3BlobStore,
    private readonly bucket: S3Bucket,
  ) {
    super();
    this.datastore = new PartsS3Store(blobs, bucket);
  }

  idOf(assignmentId: string): string {
    return this.bucket.fullKey(keyOf(assignmentId));
  }

  async find(assignmentId: string): Promise<Upload | null> {
    // tus would say the same of a bucket that is away as of an upload that does not exist.
    if ((await this.bucket.sizeOf(`${keyOf(assignmentId)}${INFO_SUFFIX}`)) === null) return null;
    const upload = await this.datastore.getUpload(this.idOf(assignmentId));
    const isWhole = upload.offset === upload.size;
    // tus takes an upload without parts for a whole one, also when its parts were given up.
    if (isWhole && (await this.bucket.sizeOf(keyOf(assignmentId))) !== upload.size) return null;
    return upload;
  }

  async list(): Promise<string[]> {
    return (await this.infos()).map(({ assignmentId }) => assignmentId);
  }

  addressOf(assignmentId: string): string {
    return s3Address(keyOf(assignmentId));
  }

  read(assignmentId: string): Promise<Readable> {
    return this.bucket.read(keyOf(assignmentId));
  }

  adopt(assignmentId: string, sha256: string): Promise<void> {
    return this.blobs.adoptObject(keyOf(assignmentId), sha256);
  }

  async discard(assignmentId: string): Promise<void> {
    // An upload that is whole, or gone, has no parts to give up.
    await this.datastore.remove(this.idOf(assignmentId)).catch(() => undefined);
    for (const suffix of ['', REST_SUFFIX, INFO_SUFFIX]) await this.bucket.remove(`${keyOf(assignmentId)}${suffix}`);
  }

  async removeAbandoned(ageMs: number): Promise<number> {
    const old = (await this.infos()).filter(
      ({ begunAt }) => Date.now() - begunAt.getTime() >= BEGUN_AGE_FACTOR * ageMs,
    );
    for (const { assignmentId } of old) await this.discard(assignmentId);
    return old.length;
  }

  private async infos(): Promise<{ assignmentId: string; begunAt: Date }[]> {
    const objects = await this.bucket.list(FOLDER);
    return objects
      .filter(({ key }) => key.endsWith(INFO_SUFFIX))
      .map(({ key, modifiedAt }) => ({
        assignmentId: key.slice(FOLDER.length, -INFO_SUFFIX.length),
        begunAt: modifiedAt,
      }));
  }
}

function keyOf(assignmentId: string): string {
  return `${FOLDER}${assignmentId}`;
}
