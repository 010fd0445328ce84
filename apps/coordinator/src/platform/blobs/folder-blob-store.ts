import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ByteSource } from '@tributary/federation';
import { openFileBytes } from '@tributary/federation/vectors/byte-source';
import { isErrno } from '../errors/errno.js';
import { BlobStore, type ByteRange } from './blob-store.js';
import { freeDiskBytes, isOlderThan, removeOld, syncFolder } from './disk-files.js';
import { sendFile, type Receiver } from './send-file.js';

const STORE_ID_FILE = 'store-id';
const READ_BYTES = 256 * 1024;
/** Folders are named by the first two digits of the hashes in them. */
const BLOB_FOLDER = /^[0-9a-f]{2}$/;

/** Blobs in a folder: of this machine, or of a file system that the replicas share. */
export class FolderBlobStore extends BlobStore {
  private constructor(private readonly folder: string) {
    super();
  }

  static async open(folder: string): Promise<FolderBlobStore> {
    await mkdir(join(folder, 'staging'), { recursive: true });
    return new FolderBlobStore(folder);
  }

  async storeId(): Promise<string> {
    const path = join(this.folder, STORE_ID_FILE);
    const mine = this.stagingPath(randomUUID());
    await writeFile(mine, randomUUID());
    await link(mine, path).catch((error: unknown) => {
      if (!isErrno(error, 'EEXIST')) throw error;
    });
    await rm(mine);
    return readFile(path, 'utf8');
  }

  addressOf(sha256: string): string {
    return join(this.folder, sha256.slice(0, 2), sha256);
  }

  async sizeOf(sha256: string): Promise<number | null> {
    try {
      return (await stat(this.addressOf(sha256))).size;
    } catch {
      return null;
    }
  }

  read(sha256: string, range?: ByteRange): Promise<Readable> {
    const part = range === undefined ? {} : { start: range.begin, end: range.end - 1 };
    return Promise.resolve(createReadStream(this.addressOf(sha256), { highWaterMark: READ_BYTES, ...part }));
  }

  openBytes(sha256: string): Promise<ByteSource> {
    return openFileBytes(this.addressOf(sha256));
  }

  send(sha256: string, range: ByteRange, receiver: Receiver): Promise<void> {
    return sendFile(this.addressOf(sha256), range, receiver);
  }

  /** On the same disk as the blobs, so that the move is a rename. */
  stagingPath(name: string): string {
    return join(this.folder, 'staging', name);
  }

  async adopt(path: string, sha256: string): Promise<void> {
    const target = this.addressOf(sha256);
    await mkdir(dirname(target), { recursive: true });
    await rename(path, target);
    await syncFolder(dirname(target));
  }

  async remove(sha256: string): Promise<number> {
    const sizeBytes = await this.sizeOf(sha256);
    await rm(this.addressOf(sha256), { force: true });
    return sizeBytes ?? 0;
  }

  async olderThan(ageMs: number): Promise<string[]> {
    const old: string[] = [];
    for (const folder of (await readdir(this.folder)).filter((name) => BLOB_FOLDER.test(name))) {
      for (const sha256 of await readdir(join(this.folder, folder))) {
        if (await this.isOlderThan(sha256, ageMs)) old.push(sha256);
      }
    }
    return old;
  }

  isOlderThan(sha256: string, ageMs: number): Promise<boolean> {
    return isOlderThan(this.addressOf(sha256), ageMs);
  }

  freeBytes(): Promise<number> {
    return freeDiskBytes(this.folder);
  }

  freeStagingBytes(): Promise<number> {
    return this.freeBytes();
  }

  removeAbandonedStaging(ageMs: number): Promise<number> {
    return removeOld(join(this.folder, 'staging'), ageMs);
  }
}
