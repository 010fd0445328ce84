import { join } from 'node:path';
import type { CoordinatorConfig } from '../config/coordinator-config.js';
import { FolderBlobStore } from './folder-blob-store.js';
import type { S3BlobStore } from './s3/s3-blob-store.js';
import type { S3Bucket } from './s3/s3-bucket.js';

/** The opened blob store, by what it is made of. */
export type Blobs =
  | { readonly kind: 'folder'; readonly store: FolderBlobStore; readonly folder: string }
  | { readonly kind: 's3'; readonly store: S3BlobStore; readonly bucket: S3Bucket };

/** Injection token of the {@link Blobs}. */
export const BLOBS = Symbol('Blobs');

/**
 * A bucket when the configuration names one, else a folder.
 *
 * @throws TributaryError BLOB_STORE_REFUSED, BLOB_STORE_UNREACHABLE; the system's error when the folder cannot be made.
 */
export async function openBlobs({ s3, blobDir, dataDir }: CoordinatorConfig): Promise<Blobs> {
  if (s3 === undefined) return { kind: 'folder', store: await FolderBlobStore.open(blobDir), folder: blobDir };
  // The client of S3 takes memory: it is loaded where one is used.
  const [bucketModule, storeModule] = await Promise.all([import('./s3/s3-bucket.js'), import('./s3/s3-blob-store.js')]);
  const bucket = new bucketModule.S3Bucket(s3);
  await bucket.check();
  return { kind: 's3', store: await storeModule.S3BlobStore.open(bucket, join(dataDir, 'staging')), bucket };
}

/** Ends the connections of a bucket; a folder has none. */
export function closeBlobs(blobs: Blobs): void {
  if (blobs.kind === 's3') blobs.bucket.close();
}
