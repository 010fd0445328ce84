import type { Readable } from 'node:stream';
import type { ByteSource } from '@tributary/federation';
import type { Receiver } from './send-file.js';

/** Bytes of a blob: from `begin` up to, and not with, `end`. */
export interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

/**
 * Files by the SHA-256 of their content, shared by all replicas. A blob appears under its name whole and durable or not at
 * all, and never changes; writing the same content twice is writing it once.
 */
export abstract class BlobStore {
  /** An id that every replica on this very store reads, and no other. */
  abstract storeId(): Promise<string>;

  /** Where the thread for updates reads a blob, see `blobBytesOpener`. */
  abstract addressOf(sha256: string): string;

  /** Size in bytes; null when there is no such blob. */
  abstract sizeOf(sha256: string): Promise<number | null>;

  /** A blob's bytes, or some of them; the blob exists. */
  abstract read(sha256: string, range?: ByteRange): Promise<Readable>;

  /** A blob's bytes at any position; the blob exists. */
  abstract openBytes(sha256: string): Promise<ByteSource>;

  /** Sends some of a blob's bytes; the blob exists. @throws When the store or the receiver goes. */
  abstract send(sha256: string, range: ByteRange, receiver: Receiver): Promise<void>;

  /** A path on this machine's disk where a file may be written that {@link adopt} takes over. */
  abstract stagingPath(name: string): string;

  /**
   * Makes a finished file of this machine, whose bytes are on the disk already, a blob; the file is gone after it.
   *
   * @param sha256 Of its content; the caller has computed it.
   */
  abstract adopt(path: string, sha256: string): Promise<void>;

  /** Removes a blob that nothing names any more. @returns Its size in bytes; 0 when there was none. */
  abstract remove(sha256: string): Promise<number>;

  /** Hashes of the blobs that were written more than `ageMs` ago. */
  abstract olderThan(ageMs: number): Promise<string[]>;

  /** Whether a blob is there and was written more than `ageMs` ago. */
  abstract isOlderThan(sha256: string, ageMs: number): Promise<boolean>;

  /** Bytes that may still be written where the blobs lie; Infinity where there is no limit. */
  abstract freeBytes(): Promise<number>;

  /** Bytes that may still be written where files are staged. */
  abstract freeStagingBytes(): Promise<number>;

  /** Removes unfinished files that nobody has touched for `ageMs`. @returns How many. */
  abstract removeAbandonedStaging(ageMs: number): Promise<number>;
}
