import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { BlobStore } from '../platform/blobs/blob-store.js';
import type { UploadStore } from './upload-store.js';

/** The bytes of an upload that has arrived whole, wherever they are. */
export interface UploadedBytes {
  /** All of them, when they are in memory. */
  readonly held: Buffer | null;
  /** Makes them a blob, durable when this resolves. @param sha256 Of the bytes; the caller has computed it. */
  adopt(sha256: string): Promise<void>;
  /** Removes what is left of the upload, if anything. */
  discard(): Promise<void>;
}

/** Of an upload that came in pieces. */
export function storedBytes(store: UploadStore, assignmentId: string): UploadedBytes {
  return {
    held: null,
    adopt: (sha256) => store.adopt(assignmentId, sha256),
    discard: () => store.discard(assignmentId),
  };
}

/** Of an upload that came in one request, and is nowhere but in memory. */
export function heldBytes(held: Buffer, blobs: BlobStore): UploadedBytes {
  return {
    held,
    adopt: async (sha256) => {
      const path = blobs.stagingPath(randomUUID());
      try {
        await writeDurably(path, held);
        await blobs.adopt(path, sha256);
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
    },
    discard: () => Promise.resolve(),
  };
}

async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
