import type { Readable } from 'node:stream';
import { S3Store, type MetadataValue } from '@tus/s3-store';
import type { KvStore, Upload } from '@tus/server';
import type { S3BlobStore } from '../platform/blobs/s3/s3-blob-store.js';
import type { S3Bucket } from '../platform/blobs/s3/s3-bucket.js';
import { s3Address } from '../platform/blobs/s3/s3-bytes.js';
import { coded } from '../platform/blobs/s3/s3-errors.js';
import { s3ClientConfig } from '../platform/blobs/s3/s3-settings.js';
import { UploadStore } from './upload-store.js';

const FOLDER = 'uploads/';
/** Names that @tus/s3-store gives: what was announced, and bytes that are too few for a part of their own. */
const INFO_SUFFIX = '.info';
const REST_SUFFIX = '.part';
/** Over all uploads: each is read from this machine's disk while it travels. */
const PARTS_AT_ONCE = 8;
/** A slow upload is begun long before it ends, and S3 knows only its beginning. */
const BEGUN_AGE_FACTOR = 7;

/** Another replica may have begun an upload anew: what is known of it is read each time. */
const NO_CACHE: KvStore<MetadataValue> = {
  get: () => Promise.resolve(undefined),
  set: () => Promise.resolve(),
  delete: () => Promise.resolve(),
};

/** Uploads as multipart uploads of a bucket. */
export class S3Uploads extends UploadStore {
  readonly datastore: S3Store;
  readonly isReadableEarly = false;

  constructor(
    private readonly blobs: S3BlobStore,
    private readonly bucket: S3Bucket,
  ) {
    super();
    this.datastore = new CodedS3Store({
      s3ClientConfig: { ...s3ClientConfig(bucket.settings), bucket: bucket.settings.bucket },
      cache: NO_CACHE,
      useTags: false,
      maxConcurrentPartUploads: PARTS_AT_ONCE,
    });
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

/** Unlike its base it says with a code that the store is away. */
class CodedS3Store extends S3Store {
  override create(upload: Upload): Promise<Upload> {
    return coded(super.create(upload));
  }

  override write(bytes: Readable, id: string, offset: number): Promise<number> {
    return coded(super.write(bytes, id, offset));
  }
}

function keyOf(assignmentId: string): string {
  return `${FOLDER}${assignmentId}`;
}
