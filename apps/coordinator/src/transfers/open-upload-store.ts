import type { Blobs } from '../platform/blobs/open-blobs.js';
import { FolderUploads } from './folder-uploads.js';
import { S3Uploads } from './s3-uploads.js';
import type { UploadStore } from './upload-store.js';

/** Uploads lie where the blobs do, so that a checked one becomes a blob without travelling. */
export function openUploadStore(blobs: Blobs): UploadStore {
  if (blobs.kind === 'folder') return new FolderUploads(blobs.store, blobs.folder);
  return new S3Uploads(blobs.store, blobs.bucket);
}
