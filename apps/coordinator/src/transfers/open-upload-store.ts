import type { Blobs } from '../platform/blobs/open-blobs.js';
import { FolderUploads } from './folder-uploads.js';
import type { UploadStore } from './upload-store.js';

/** Uploads lie where the blobs do, so that a checked one becomes a blob without travelling. */
export async function openUploadStore(blobs: Blobs): Promise<UploadStore> {
  if (blobs.kind === 'folder') return new FolderUploads(blobs.store, blobs.folder);
  const { S3Uploads } = await import('./s3/s3-uploads.js');
  return new S3Uploads(blobs.store, blobs.bucket);
}
