import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { asDiskFull } from '../../durable-files/write-file-atomically.js';

/** The first bytes of a file that is being put together from its beginning on, and their SHA-256. They outlive the process. */
export class FileStart {
  private constructor(
    private readonly file: FileHandle,
    private hash: Hash,
    private bytes: number,
  ) {}

  /** Goes on where the file ends that is there; begins anew when it is longer than `mostBytes`. */
  static async open(path: string, mostBytes: number): Promise<FileStart> {
    const file = await open(path, 'a');
    const { size } = await file.stat();
    const start = new FileStart(file, createHash('sha256'), 0);
    if (size > mostBytes) await start.beginAnew();
    else if (size > 0) {
      start.hash = await hashFile(path);
      start.bytes = size;
    }
    return start;
  }

  get sizeBytes(): number {
    return this.bytes;
  }

  /** @throws TributaryError DISK_FULL. */
  async append(chunk: Uint8Array): Promise<void> {
    const written = this.file.appendFile(chunk);
    this.hash.update(chunk);
    await written.catch((error: unknown) => {
      throw asDiskFull(error);
    });
    this.bytes += chunk.byteLength;
  }

  async beginAnew(): Promise<void> {
    await this.file.truncate();
    this.hash = createHash('sha256');
    this.bytes = 0;
  }

  /** SHA-256 of all bytes so far, lower-case hex. Nothing is appended after it. */
  sha256(): string {
    return this.hash.digest('hex');
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

/** SHA-256 of a file, open for more. */
export async function hashFile(path: string): Promise<Hash> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, { end: false });
  return hash;
}
