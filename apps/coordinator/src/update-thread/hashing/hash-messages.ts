/** To the hashing thread, of a file that is being written; only `digest` is asked, and answered with the SHA-256. */
export interface HashOrder {
  readonly type: 'written' | 'digest' | 'discard';
  readonly path: string;
  /** How long the file is now. */
  readonly sizeBytes: number;
}
