import { open } from 'node:fs/promises';

/** Written bytes after which a flush is worth its waiting for the disk. */
const FLUSH_BYTES = 16 * 1024 * 1024;
/** The same where a request ends: the file may be whole, and is checked first. */
const LAST_FLUSH_BYTES = 1024 * 1024;

interface GrowingFile {
  readonly path: string;
  /** How far the last flush will go. */
  bytes: number;
  /** The end of the flushes that were begun. */
  begun: Promise<void>;
}

/**
 * Lets the disk work on growing files while more of them arrives, so that little is left to wait for when they are whole. One
 * flush at a time: each keeps one of the few threads that read and write files for all others.
 */
export class EarlyFlushes {
  private readonly files = new Map<string, GrowingFile>();
  private readonly waiting = new Set<GrowingFile>();
  private isFlushing = false;

  /** Asks for a flush, unless little was written since the last one. */
  grown(path: string, sizeBytes: number): void {
    this.ask(path, sizeBytes, FLUSH_BYTES);
  }

  /** Asks for a flush at the end of a request, unless next to nothing was written since the last one. */
  paused(path: string, sizeBytes: number): void {
    this.ask(path, sizeBytes, LAST_FLUSH_BYTES);
  }

  /** Waits for the flush of a file that is under way, if any. @throws What made one fail: the system tells it only once. */
  async settle(path: string): Promise<void> {
    const begun = this.files.get(path)?.begun;
    this.forget(path);
    await begun;
  }

  /** The file is gone. */
  forget(path: string): void {
    const file = this.files.get(path);
    if (file === undefined) return;
    this.files.delete(path);
    this.waiting.delete(file);
  }

  private ask(path: string, sizeBytes: number, leastBytes: number): void {
    const file = this.files.get(path) ?? { path, bytes: 0, begun: Promise.resolve() };
    if (sizeBytes - file.bytes < leastBytes) return;
    file.bytes = sizeBytes;
    this.files.set(path, file);
    this.waiting.add(file);
    this.flushNext();
  }

  private flushNext(): void {
    const [file] = this.waiting;
    if (file === undefined || this.isFlushing) return;
    this.waiting.delete(file);
    this.isFlushing = true;
    const flushing = flush(file.path).finally(() => {
      this.isFlushing = false;
      this.flushNext();
    });
    file.begun = Promise.all([file.begun, flushing]).then(() => undefined);
    file.begun.catch(() => undefined); // told by `settle`
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
