import { link, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile } from '@tributary/federation/vectors/file-hash';
import { TributaryError, type BlobRef } from '@tributary/protocol';
import type { Logger } from 'pino';
import type { BlobDownload, DownloadOptions } from './blob-download.js';

/** Global weights kept: enough for a repeated round and an evaluation of two versions. */
const KEPT_BLOBS = 4;
const SUFFIX = '.safetensors';

/**
 * Content-addressed files from the coordinator, each verified by its SHA-256. A download that broke off goes on at its
 * last byte, also after a restart. What an earlier file gave to a blob that then is not what its hash says is fetched, once.
 */
export class BlobCache {
  private readonly verified = new Set<string>();
  /** The end of what was last asked of a blob, by its hash. */
  private readonly last = new Map<string, Promise<unknown>>();

  constructor(
    private readonly directory: string,
    private readonly download: BlobDownload,
    private readonly log?: Logger,
  ) {}

  /**
   * Puts the blob at `target`, downloading it unless it is here already.
   *
   * @throws TributaryError BLOB_CORRUPT when what arrived twice is not what the hash says.
   */
  place(blob: BlobRef, target: string, options: DownloadOptions): Promise<void> {
    return this.inTurn(blob, async () => {
      const cached = await this.fetchAlone(blob, options);
      await rm(target, { force: true });
      await link(cached, target);
    });
  }

  /**
   * Downloads the blob unless it is here already, for a {@link place} that may follow.
   *
   * @throws TributaryError as `place` does.
   */
  async fetch(blob: BlobRef, options: DownloadOptions): Promise<void> {
    await this.inTurn(blob, () => this.fetchAlone(blob, options));
  }

  /**
   * One at a time of the same blob: two runs may want it, and would write the same partial file. Different ones go side by
   * side: a small model does not wait for a large one.
   */
  private async inTurn<T>({ sha256 }: BlobRef, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(sha256) ?? Promise.resolve();
    const done = before.then(work, work);
    this.last.set(sha256, done);
    try {
      return await done;
    } finally {
      if (this.last.get(sha256) === done) this.last.delete(sha256);
    }
  }

  /** @returns Where it lies then. */
  private async fetchAlone(blob: BlobRef, options: DownloadOptions): Promise<string> {
    options.signal.throwIfAborted();
    const cached = join(this.directory, `${blob.sha256}${SUFFIX}`);
    await mkdir(this.directory, { recursive: true });
    if (!(await this.holds(blob, cached))) {
      await this.complete(blob, cached, options);
      await this.prune();
    }
    return cached;
  }

  private async holds(blob: BlobRef, path: string): Promise<boolean> {
    const found = await stat(path).catch(() => undefined);
    if (found?.size !== blob.sizeBytes) return false;
    if (this.verified.has(blob.sha256)) return true;
    if ((await hashFile(path)).digest('hex') !== blob.sha256) return false;
    this.verified.add(blob.sha256);
    return true;
  }

  private async complete(blob: BlobRef, path: string, options: DownloadOptions): Promise<void> {
    const { sha256 } = blob;
    const part = `${path}.part`;
    for (const base of [options.base, undefined]) {
      if ((await this.download.complete(blob, part, { ...options, base })) === sha256) {
        await rename(part, path);
        this.verified.add(sha256);
        return;
      }
      await rm(part, { force: true });
      this.log?.warn({ sha256, fromEarlier: base !== undefined }, 'what was downloaded is not what its hash says');
    }
    throw new TributaryError('BLOB_CORRUPT', { sha256 });
  }

  /** Removes all but the newest blobs, and those that are wanted now; a task folder that still needs one holds its own link. */
  private async prune(): Promise<void> {
    const names = (await readdir(this.directory)).filter((name) => name.endsWith(SUFFIX));
    if (names.length <= KEPT_BLOBS) return;
    const aged = await Promise.all(names.map(async (name) => ({ name, time: await this.writtenMs(name) })));
    aged.sort((a, b) => b.time - a.time || (a.name < b.name ? -1 : 1));
    for (const { name } of aged.slice(KEPT_BLOBS)) {
      const sha256 = name.slice(0, -SUFFIX.length);
      if (this.last.has(sha256)) continue;
      this.verified.delete(sha256);
      await rm(join(this.directory, name), { force: true });
    }
  }

  /** 0 for a file that was removed meanwhile. */
  private async writtenMs(name: string): Promise<number> {
    return (await stat(join(this.directory, name)).catch(() => undefined))?.mtimeMs ?? 0;
  }
}
