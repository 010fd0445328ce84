import type { BlobProgress } from '../http/read-answer.js';
import type { Output } from './output.js';
import { Progress } from './progress.js';

/** From here on megabytes are told, below kilobytes. */
const LARGE_BYTES = 10e6;

/** How far a download is, with rate and time left. What was there before does not count for the rate. */
export class DownloadProgress {
  private progress: Progress | undefined;
  private unitBytes = 1;
  private reached: BlobProgress = { doneBytes: 0, totalBytes: null };

  constructor(
    private readonly output: Output,
    private readonly options: { readonly label: string; readonly nowMs?: () => number },
  ) {}

  update(reached: BlobProgress): void {
    this.reached = reached;
    this.show('');
  }

  /** The connection broke and is tried again. */
  broke(): void {
    this.show('the link broke, trying again');
  }

  finish(): void {
    if (this.reached.totalBytes !== null) this.progress?.finish();
  }

  private show(detail: string): void {
    const { doneBytes, totalBytes } = this.reached;
    if (totalBytes === null) return;
    this.progress ??= this.begin(doneBytes, totalBytes);
    const done = Math.floor(doneBytes / this.unitBytes);
    this.progress.updateWithin(done, { share: doneBytes / Math.max(1, totalBytes), detail });
  }

  private begin(doneBytes: number, totalBytes: number): Progress {
    const isLarge = totalBytes >= LARGE_BYTES;
    this.unitBytes = isLarge ? 1e6 : 1e3;
    return new Progress(this.output, {
      ...this.options,
      total: Math.ceil(totalBytes / this.unitBytes),
      unit: isLarge ? 'MB' : 'kB',
      before: doneBytes / this.unitBytes,
    });
  }
}
