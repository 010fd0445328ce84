import { createReadStream } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FileStore } from '@tus/file-store';
import type { Upload } from '@tus/server';
import { isOlderThan, syncFile } from '../platform/blobs/disk-files.js';
import type { FolderBlobStore } from '../platform/blobs/folder-blob-store.js';
import { EarlyFlushes } from './early-flushes.js';
import { FileAppender } from './file-appender.js';
import { UploadStore } from './upload-store.js';

const READ_BYTES = 1024 * 1024;
/** Beside each file: what its site has announced. */
const INFO_SUFFIX = '.json';

/** Uploads as files beside the blobs. */
export class FolderUploads extends UploadStore {
  readonly datastore: FileStore;
  readonly isReadableEarly = true;
  private readonly folder: string;
  private readonly flushes = new EarlyFlushes();

  constructor(
    private readonly blobs: FolderBlobStore,
    blobDir: string,
  ) {
    super();
    this.folder = join(blobDir, 'uploads');
    this.datastore = new AppendingFileStore(this.folder, this.flushes);
  }

  idOf(assignmentId: string): string {
    return assignmentId;
  }

  find(assignmentId: string): Promise<Upload | null> {
    return this.datastore.getUpload(assignmentId).catch(() => null);
  }

  async list(): Promise<string[]> {
    const names = await readdir(this.folder);
    return [...new Set(names.map((name) => basename(name, INFO_SUFFIX)))];
  }

  addressOf(assignmentId: string): string {
    return this.pathOf(assignmentId);
  }

  read(assignmentId: string): Promise<Readable> {
    return Promise.resolve(createReadStream(this.pathOf(assignmentId), { highWaterMark: READ_BYTES }));
  }

  async adopt(assignmentId: string, sha256: string): Promise<void> {
    await this.flushes.settle(this.pathOf(assignmentId));
    await syncFile(this.pathOf(assignmentId));
    await this.blobs.adopt(this.pathOf(assignmentId), sha256);
  }

  async discard(assignmentId: string): Promise<void> {
    this.flushes.forget(this.pathOf(assignmentId));
    await rm(this.pathOf(assignmentId), { force: true });
    await rm(`${this.pathOf(assignmentId)}${INFO_SUFFIX}`, { force: true });
  }

  /** What was announced is written once, the bytes again and again: they say whether somebody goes on with it. */
  async removeAbandoned(ageMs: number): Promise<number> {
    let removed = 0;
    for (const assignmentId of await this.list()) {
      if (!(await isOlderThan(this.pathOf(assignmentId), ageMs))) continue;
      await this.discard(assignmentId);
      removed++;
    }
    return removed;
  }

  private pathOf(assignmentId: string): string {
    return join(this.folder, assignmentId);
  }
}

/** Unlike its base it says why a write failed: a full disk has a code. */
class AppendingFileStore extends FileStore {
  constructor(
    directory: string,
    private readonly flushes: EarlyFlushes,
  ) {
    super({ directory });
  }

  /**
   * Appends to an upload; what was written before a failure stays, and is where the next attempt goes on.
   *
   * @returns The new offset in bytes.
   * @throws The system's error, such as ENOSPC, or that of the connection.
   */
  override async write(bytes: Readable, id: string, offset: number): Promise<number> {
    const path = join(this.directory, id);
    const file = await open(path, 'r+');
    const appender = new FileAppender(file, offset, (reached) => this.flushes.grown(path, reached));
    try {
      await pipeline(bytes, appender);
    } finally {
      await appender.idle();
      await file.close();
    }
    this.flushes.paused(path, appender.reachedBytes);
    return appender.reachedBytes;
  }
}
