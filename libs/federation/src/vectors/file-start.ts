import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { TributaryError } from '@tributary/protocol/errors';
import { isDiskFull } from './disk-full.js';
import { hashFile } from './file-hash.js';

/**
 * The first bytes of a file that is being put together from its beginning on, and their SHA-256. They outlive the process.
 *
 * Each byte is written at its own place: several processes may put the same bytes together in one file.
 */
export class FileStart {
  private constructor(
    private readonly file: FileHandle,
    private hash: Hash,
    private bytes: number,
  ) {}

  /** Goes on where the file ends that is there; begins anew when it is longer than `mostBytes`. */
  static async open(path: string, mostBytes = Infinity): Promise<FileStart> {
    const file = await open(path, constants.O_WRONLY | constants.O_CREAT);
    try {
      const { size } = await file.stat();
      const start = new FileStart(file, createHash('sha256'), 0);
      if (size > mostBytes) await start.beginAnew();
      else if (size > 0) {
        start.hash = await hashFile(path, size);
        start.bytes = size;
      }
      return start;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get sizeBytes(): number {
    return this.bytes;
  }

  /** @throws TributaryError DISK_FULL. */
  async append(chunk: Uint8Array): Promise<void> {
    const written = this.write(chunk);
    this.hash.update(chunk);
    await written.catch((error: unknown) => {
      throw isDiskFull(error) ? new TributaryError('DISK_FULL', {}, { cause: error }) : error;
    });
    this.bytes += chunk.byteLength;
  }

  async beginAnew(): Promise<void> {
    await this.file.truncate();
    this.hash = createHash('sha256');
    this.bytes = 0;
  }

  /** SHA-256 of all bytes so far, lower-case hex. */
  sha256(): string {
    return this.hash.copy().digest('hex');
  }

  close(): Promise<void> {
    return this.file.close();
  }

  private async write(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length;) {
      const { bytesWritten } = await this.file.write(chunk, done, chunk.length - done, this.bytes + done);
      done += bytesWritten;
    }
  }
}
