import { open } from 'node:fs/promises';

/** Written bytes after which a flush is worth its waiting for the disk. */
const FLUSH_BYTES = 32 * 1024 * 1024;

/** Lets the disk work on a growing file while more of it arrives, so that little is left to wait for when it is whole. */
export class EarlyFlushes {
  /** By path: how far the last flush went, and its end. */
  private readonly flushes = new Map<string, { readonly bytes: number; readonly ended: Promise<void> }>();

  /** Begins a flush, unless little was written since the last one. */
  grown(path: string, sizeBytes: number): void {
    const last = this.flushes.get(path);
    if (sizeBytes - (last?.bytes ?? 0) < FLUSH_BYTES) return;
    const ended = (last?.ended ?? Promise.resolve()).then(() => flush(path));
    ended.catch(() => undefined); // told by `settle`
    this.flushes.set(path, { bytes: sizeBytes, ended });
  }

  /** Waits for the flushes of a file. @throws What made one fail: the system tells it only once. */
  async settle(path: string): Promise<void> {
    await this.flushes.get(path)?.ended.finally(() => this.flushes.delete(path));
  }

  /** The file is gone. */
  forget(path: string): void {
    this.flushes.delete(path);
  }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}
