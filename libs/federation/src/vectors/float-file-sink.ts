import { createHash, randomUUID, type Hash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TributaryError } from '@tributary/protocol/errors';
import { manifestLocations, parameterCount, type ParameterEntry } from '@tributary/protocol/manifest';
import { encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { awaitedLater } from './read-ahead.js';
import { assertLittleEndian } from './float-file.js';

/** A written file, by its content. */
export interface WrittenFile {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Written bytes after which a flush is started. */
const FLUSH_BYTES = 32 * 1024 * 1024;

/** Ending of the names of unfinished files; after a crash they may be deleted when no aggregation runs. */
const PARTIAL_SUFFIX = '.partial';

/**
 * Writes a safetensors file of float32 parameters a window at a time: a file beside it, fsync, rename.
 * The same numbers give the same bytes.
 */
export class FloatFileSink {
  private readonly hash: Hash = createHash('sha256');
  private sizeBytes = 0;
  /** Bytes that `flush` has made durable. */
  private durableBytes = 0;
  /** Bytes that no flush has been started for. */
  private unflushedBytes = 0;
  private flushing: Promise<void> = Promise.resolve();
  private state: 'open' | 'closed' | 'committed' = 'open';

  private constructor(
    private readonly file: FileHandle,
    private readonly place: { readonly path: string; readonly partialPath: string },
    private missing: number,
  ) {}

  /** Where the file appears at `commit`. */
  get path(): string {
    return this.place.path;
  }

  /** @param path Where the file appears at `commit`. */
  static async create(path: string, manifest: readonly ParameterEntry[]): Promise<FloatFileSink> {
    assertLittleEndian();
    const partialPath = `${path}.${randomUUID()}${PARTIAL_SUFFIX}`;
    const file = await open(partialPath, 'wx');
    const sink = new FloatFileSink(file, { path, partialPath }, parameterCount(manifest));
    try {
      await sink.append(encodeSafetensorsHeader(manifestLocations(manifest)));
      return sink;
    } catch (error) {
      await sink.discard();
      throw error;
    }
  }

  /** Appends numbers; leave `values` alone until then. @throws RangeError beyond the manifest's count, TributaryError DISK_FULL. */
  async write(values: Float32Array): Promise<void> {
    this.missing -= values.length;
    if (this.missing < 0) throw new RangeError('more numbers than the manifest has');
    await this.append(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    this.unflushedBytes += values.byteLength;
    if (this.unflushedBytes >= FLUSH_BYTES) await this.startFlush();
  }

  /** Makes the bytes written so far durable, so that `commit` is quick. */
  async flush(): Promise<void> {
    await this.flushing;
    if (this.durableBytes === this.sizeBytes) return;
    await this.file.sync();
    this.durableBytes = this.sizeBytes;
  }

  /**
   * Makes the file visible under its name, with all its bytes; `syncFolders` makes the name last.
   *
   * @throws RangeError when numbers are missing.
   */
  async commit(): Promise<WrittenFile> {
    if (this.missing > 0) throw new RangeError(`${this.missing} numbers of the manifest are missing`);
    await this.flush();
    await this.close();
    const { path, partialPath } = this.place;
    await rename(partialPath, path);
    this.state = 'committed';
    return { sha256: this.hash.digest('hex'), sizeBytes: this.sizeBytes };
  }

  /** Leaves nothing behind. Does nothing after `commit`. */
  async discard(): Promise<void> {
    if (this.state === 'committed') return;
    await Promise.allSettled([this.flushing]);
    await this.close();
    await rm(this.place.partialPath, { force: true });
  }

  private async close(): Promise<void> {
    if (this.state === 'open') await this.file.close();
    this.state = 'closed';
  }

  /** Lets the disk work while the next windows are computed; waits for the flush before, so that dirty pages stay few. */
  private async startFlush(): Promise<void> {
    await this.flushing;
    this.unflushedBytes = 0;
    this.flushing = awaitedLater(this.file.datasync());
  }

  private async append(bytes: Uint8Array): Promise<void> {
    const position = this.sizeBytes;
    this.sizeBytes += bytes.length;
    this.hash.update(bytes);
    let done = 0;
    try {
      while (done < bytes.length) {
        const { bytesWritten } = await this.file.write(bytes, done, bytes.length - done, position + done);
        done += bytesWritten;
      }
    } catch (error) {
      throw isDiskFull(error) ? new TributaryError('DISK_FULL', { writtenBytes: position + done }) : error;
    }
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

/** A new name is durable only when its folder is: call this after the last `commit`. */
export async function syncFolders(paths: readonly string[]): Promise<void> {
  for (const path of new Set(paths.map((file) => dirname(file)))) {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
