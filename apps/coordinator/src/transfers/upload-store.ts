import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FileStore } from '@tus/file-store';

/** The files of uploads that have not arrived whole. Unlike its base it says why a write failed: a full disk has a code. */
export class UploadStore extends FileStore {
  /**
   * Appends to an upload; what was written before a failure stays, and is where the next attempt goes on.
   *
   * @returns The new offset in bytes.
   * @throws The system's error, such as ENOSPC, or that of the connection.
   */
  override async write(bytes: Readable, id: string, offset: number): Promise<number> {
    const file = createWriteStream(join(this.directory, id), { flags: 'r+', start: offset });
    await pipeline(bytes, file);
    return offset + file.bytesWritten;
  }
}
