import { mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CONFIG } from '../config/config.module.js';
import type { CoordinatorConfig } from '../config/coordinator-config.js';

/**
 * Files by the SHA-256 of their content, in a folder. A file appears under its name whole and durable or not at all,
 * and never changes; writing the same content twice is writing it once.
 */
@Injectable()
export class BlobStore implements OnModuleInit {
  private readonly folder: string;

  constructor(@Inject(CONFIG) config: CoordinatorConfig) {
    this.folder = config.blobDir;
  }

  async onModuleInit(): Promise<void> {
    await mkdir(join(this.folder, 'staging'), { recursive: true });
  }

  /** Where a blob lies, for code that reads windows of it. */
  pathOf(sha256: string): string {
    return join(this.folder, sha256.slice(0, 2), sha256);
  }

  /** Where a file may be written that {@link adopt} takes over: the same disk, so that the move is a rename. */
  stagingPath(name: string): string {
    return join(this.folder, 'staging', name);
  }

  /** Size in bytes; null when there is no such blob. */
  async sizeOf(sha256: string): Promise<number | null> {
    try {
      return (await stat(this.pathOf(sha256))).size;
    } catch {
      return null;
    }
  }

  /**
   * Moves a finished file, whose bytes are on the disk already, to its name.
   *
   * @param sha256 Of its content; the caller has computed it.
   */
  async adopt(path: string, sha256: string): Promise<void> {
    const target = this.pathOf(sha256);
    await mkdir(dirname(target), { recursive: true });
    await rename(path, target);
    await syncFolder(dirname(target));
  }

  /** Removes a blob that nothing names any more. @returns Its size in bytes; 0 when there was none. */
  async remove(sha256: string): Promise<number> {
    const sizeBytes = await this.sizeOf(sha256);
    await rm(this.pathOf(sha256), { force: true });
    return sizeBytes ?? 0;
  }

  /** Bytes that may still be written where the blobs lie. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.folder);
    return bavail * bsize;
  }

  /** Removes unfinished files that nobody has touched for `ageMs`. @returns How many. */
  async removeAbandonedStaging(ageMs: number): Promise<number> {
    return removeOld(join(this.folder, 'staging'), ageMs);
  }
}

/** Removes the files of a folder that were last written more than `ageMs` ago. @returns How many. */
export async function removeOld(folder: string, ageMs: number): Promise<number> {
  let removed = 0;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (Date.now() - (await stat(path)).mtimeMs < ageMs) continue;
    await rm(path, { force: true });
    removed++;
  }
  return removed;
}

/** Makes the bytes of a file durable. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is durable when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
