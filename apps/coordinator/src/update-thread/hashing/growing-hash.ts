import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { releaseChunk } from '@tributary/federation/vectors/release-chunk';

const READ_BYTES = 1024 * 1024;

/** SHA-256 of a file, read while another thread writes it. */
export class GrowingHash {
  private readonly hash = createHash('sha256');
  private readonly file: Promise<FileHandle>;
  private readonly buffer = new Uint8Array(READ_BYTES);
  private hashedBytes = 0;
  /** The end of what is asked for so far: one step goes after the other. */
  private last: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.file = open(path, 'r');
    this.file.catch(() => undefined); // told by the first step
  }

  /** Hashes what was written since the last time. @throws The system's error; an Error when the file is shorter. */
  advance(sizeBytes: number): Promise<void> {
    this.last = this.last.then(() => this.read(sizeBytes));
    return this.last;
  }

  /** The hash of the first `sizeBytes` of the file, lower-case hex; closes it. */
  async digest(sizeBytes: number): Promise<string> {
    try {
      await this.advance(sizeBytes);
      return this.hash.digest('hex');
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    await this.last.catch(() => undefined);
    await (await this.file).close();
    releaseChunk(this.buffer);
  }

  private async read(sizeBytes: number): Promise<void> {
    const file = await this.file;
    while (this.hashedBytes < sizeBytes) {
      const wanted = Math.min(READ_BYTES, sizeBytes - this.hashedBytes);
      const { bytesRead } = await file.read(this.buffer, 0, wanted, this.hashedBytes);
      if (bytesRead === 0) throw new Error('the file is shorter than what was written to it');
      this.hash.update(this.buffer.subarray(0, bytesRead));
      this.hashedBytes += bytesRead;
    }
  }
}
