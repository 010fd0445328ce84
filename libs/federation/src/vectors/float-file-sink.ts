import { randomUUID } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TributaryError } from '@tributary/protocol/errors';
import { manifestLocations, parameterCount, type ParameterEntry } from '@tributary/protocol/manifest';
import { encodeSafetensorsHeader } from '@tributary/protocol/safetensors';
import { awaitedLater } from './read-ahead.js';
import { isDiskFull } from './disk-full.js';
import { hashHere, type FileHash, type HashFile } from './file-hash.js';
import { assertLittleEndian } from './float-file.js';

/** A written file, by its content. */
export interface WrittenFile {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Written bytes after which a flush is started. */
const FLUSH_BYTES = 16 * 1024 * 1024;

/** Ending of the names of unfinished files; after a crash they may be deleted when no aggregation runs. */
const PARTIAL_SUFFIX = '.partial';

/**
 * Writes a safetensors file of float32 parameters a window at a time: a file beside it, fsync, rename.
 * The same numbers give the same bytes.
 */
export class FloatFileSink {
  private sha256: string | undefined;
  private sizeBytes = 0;
  /** Bytes that are durable. */
  private durableBytes = 0;
  /** Bytes that no flush has been started for. */
  private unflushedBytes = 0;
  private flushing: Promise<void> = Promise.resolve();
  private state: 'open' | 'closed' | 'committed' = 'open';

  private constructor(
    private readonly file: FileHandle,
    private readonly hash: FileHash,
    private readonly place: { readonly path: string; readonly partialPath: string; missing: number },
  ) {}

  /** Where the file appears at `commit`. */
  get path(): string {
    return this.place.path;
  }

  /**
   * @param path     Where the file appears at `commit`.
   * @param hashFile Who hashes what is written.
   */
  static async create(
    path: string,
    manifest: readonly ParameterEntry[],
    hashFile: HashFile = hashHere,
  ): Promise<FloatFileSink> {
    assertLittleEndian();
    const partialPath = `${path}.${randomUUID()}${PARTIAL_SUFFIX}`;
    const file = await open(partialPath, 'wx');
    const sink = new FloatFileSink(file, hashFile(partialPath), {
      path,
      partialPath,
      missing: parameterCount(manifest),
    });
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
    this.place.missing -= values.length;
    if (this.place.missing < 0) throw new RangeError('more numbers than the manifest has');
    await this.append(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    this.unflushedBytes += values.byteLength;
    if (this.unflushedBytes >= FLUSH_BYTES) await this.startFlush();
  }

  /** Makes the bytes durable and their hash known, when all are written, so that `commit` is quick. */
  async settle(): Promise<void> {
    await Promise.all([this.sync(), this.digest()]);
  }

  /**
   * Makes the file visible under its name, with all its bytes; `syncFolders` makes the name last.
   *
   * @throws RangeError when numbers are missing.
   */
  async commit(): Promise<WrittenFile> {
    const { path, partialPath, missing } = this.place;
    if (missing > 0) throw new RangeError(`${missing} numbers of the manifest are missing`);
    const [sha256] = await Promise.all([this.digest(), this.sync()]);
    await this.close();
    await rename(partialPath, path);
    this.state = 'committed';
    return { sha256, sizeBytes: this.sizeBytes };
  }

  /** Leaves nothing behind. Does nothing after `commit`. */
  async discard(): Promise<void> {
    if (this.state === 'committed') return;
    this.hash.discard();
    await Promise.allSettled([this.flushing]);
    await this.close();
    await rm(this.place.partialPath, { force: true });
  }

  private async digest(): Promise<string> {
    return (this.sha256 ??= await this.hash.digest());
  }

  private async sync(): Promise<void> {
    await this.flushing;
    if (this.durableBytes === this.sizeBytes) return;
    await this.file.sync();
    this.durableBytes = this.sizeBytes;
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
    let done = 0;
    try {
      while (done < bytes.length) {
        const { bytesWritten } = await this.file.write(bytes, done, bytes.length - done, position + done);
        done += bytesWritten;
      }
    } catch (error) {
      throw isDiskFull(error) ? new TributaryError('DISK_FULL', { writtenBytes: position + done }) : error;
    }
    this.hash.written(bytes, this.sizeBytes);
  }
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
