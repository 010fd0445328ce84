import { Writable } from 'node:stream';
import { releaseChunk } from '@tributary/federation';

/** What arrives while a write is under way goes with the next one, up to this. */
const WRITE_BYTES = 512 * 1024;

/** What is written to: an open file is one. */
export interface AppendedFile {
  writev(chunks: readonly Uint8Array[], position: number): Promise<{ readonly bytesWritten: number }>;
}

/**
 * Writes chunks to an open file, and gives the memory of each back at once: its bytes are gone then, see `releaseChunk`.
 */
export class FileAppender extends Writable {
  private writing: Promise<void> = Promise.resolve();

  /**
   * @param position  Of the first byte.
   * @param onWritten Called with the end of what is written, after every write.
   */
  constructor(
    private readonly file: AppendedFile,
    private position: number,
    private readonly onWritten: (reachedBytes: number) => void = () => undefined,
  ) {
    super({ highWaterMark: WRITE_BYTES });
  }

  /** The end of what is written. */
  get reachedBytes(): number {
    return this.position;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.append([chunk], done);
  }

  override _writev(written: { readonly chunk: Buffer }[], done: (error?: Error) => void): void {
    this.append(
      written.map(({ chunk }) => chunk),
      done,
    );
  }

  /** Resolves when no write is under way: the file may be closed then, also after a failure. */
  idle(): Promise<void> {
    return this.writing;
  }

  private append(chunks: readonly Buffer[], done: (error?: Error) => void): void {
    this.writing = this.writeAll(chunks).then(() => done(), done);
  }

  private async writeAll(chunks: readonly Buffer[]): Promise<void> {
    for (let left = chunks; left.length > 0;) {
      const { bytesWritten } = await this.file.writev(left, this.position);
      this.position += bytesWritten;
      left = after(left, bytesWritten);
    }
    for (const chunk of chunks) releaseChunk(chunk);
    this.onWritten(this.position);
  }
}

/** What is left of chunks when the first `count` bytes are gone. */
function after(chunks: readonly Buffer[], count: number): Buffer[] {
  let passed = 0;
  return chunks.flatMap((chunk) => {
    const rest = chunk.subarray(Math.max(0, Math.min(chunk.length, count - passed)));
    passed += chunk.length;
    return rest.length > 0 ? [rest] : [];
  });
}
