import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { releaseChunk } from '@tributary/federation';
import { TributaryError, type BlobRef } from '@tributary/protocol';
import { asDiskFull } from '../../durable-files/write-file-atomically.js';
import type { AccessTokens } from './access-tokens.js';
import { authorisation, unreachable, type CoordinatorHttp } from './coordinator-http.js';
import { Silence } from './silence.js';

/** Global weights kept: enough for a repeated round and an evaluation of two versions. */
const KEPT_BLOBS = 4;
const SUFFIX = '.safetensors';

export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** Called with the bytes that came over the network. */
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Content-addressed files from the coordinator, each verified by its SHA-256. A download that broke off goes on at its
 * last byte, also after a restart.
 */
export class BlobCache {
  private readonly verified = new Set<string>();
  /** The end of what was last asked of a blob, by its hash. */
  private readonly last = new Map<string, Promise<unknown>>();

  constructor(
    private readonly directory: string,
    private readonly http: CoordinatorHttp,
    private readonly tokens: AccessTokens,
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
      await this.download(blob, cached, options);
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

  private async download(blob: BlobRef, path: string, options: DownloadOptions): Promise<void> {
    const part = `${path}.part`;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const hash = await this.fetchRest(blob, part, options);
      if (hash.digest('hex') === blob.sha256) {
        await rename(part, path);
        this.verified.add(blob.sha256);
        return;
      }
      await rm(part, { force: true });
    }
    throw new TributaryError('BLOB_CORRUPT', { sha256: blob.sha256 });
  }

  /** Appends what is missing to the partial file and returns the hash of the whole. */
  private async fetchRest(blob: BlobRef, part: string, { signal, onBytes }: DownloadOptions): Promise<Hash> {
    const found = await stat(part).catch(() => undefined);
    const have = found !== undefined && found.size <= blob.sizeBytes ? found.size : 0;
    const hash = have > 0 ? await hashFile(part) : createHash('sha256');
    if (have === blob.sizeBytes) return hash;

    const silence = new Silence();
    const answer = await this.tokens.use((token) =>
      this.http.open(
        `/v1/blobs/${blob.sha256}`,
        { headers: { ...authorisation(token), ...(have > 0 ? { range: `bytes=${have}-` } : {}) }, signal },
        silence,
      ),
    );
    const chunks: AsyncIterable<Buffer> = answer;
    const resumed = answer.statusCode === 206;
    const file = await open(part, resumed ? 'a' : 'w');
    const whole = resumed ? hash : createHash('sha256');
    try {
      for await (const chunk of chunks) {
        silence.heard();
        whole.update(chunk);
        await file.write(chunk);
        onBytes?.(chunk.byteLength);
        releaseChunk(chunk);
      }
    } catch (error) {
      signal.throwIfAborted();
      const cause = asDiskFull(error);
      throw cause instanceof TributaryError ? cause : unreachable(error);
    } finally {
      silence.over();
      await file.close();
    }
    return whole;
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

async function hashFile(path: string): Promise<Hash> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash, { end: false });
  return hash;
}
