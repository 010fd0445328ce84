import type { Readable } from 'node:stream';
import type { DataStore, Upload } from '@tus/server';

/** Where the bytes of uploads lie until they are counted; replicas share it. An upload is named by its assignment. */
export abstract class UploadStore {
  /** What tus writes to. */
  abstract readonly datastore: DataStore;

  /** What tus calls the upload of an assignment. */
  abstract idOf(assignmentId: string): string;

  /** How far an upload is; null when there is none, or when what is left of it cannot be gone on with. */
  abstract find(assignmentId: string): Promise<Upload | null>;

  /** Assignments that have an upload, whole or not. */
  abstract list(): Promise<string[]>;

  /** Where the thread for updates reads an upload, see `blobBytesOpener`. */
  abstract addressOf(assignmentId: string): string;

  /** Whether the bytes that have arrived can be read before the last one has. */
  abstract readonly isReadableEarly: boolean;

  /** The bytes of an upload that has arrived whole. */
  abstract read(assignmentId: string): Promise<Readable>;

  /** Makes an upload that has arrived whole a blob. @param sha256 Of its content; the caller has computed it. */
  abstract adopt(assignmentId: string, sha256: string): Promise<void>;

  /** Removes what is left of an upload, if anything. */
  abstract discard(assignmentId: string): Promise<void>;

  /** Removes uploads that nobody has gone on with for `ageMs`: their rounds have. @returns How many files. */
  abstract removeAbandoned(ageMs: number): Promise<number>;
}
