import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** SHA-256 of a file that is being written. */
export interface FileHash {
  /** `bytes` were written at the end of the file, which is `sizeBytes` long now. */
  written(bytes: Uint8Array, sizeBytes: number): void;
  /** Of all that was written, lower-case hex. Call it once. */
  digest(): Promise<string>;
  /** The file will not be finished. Does nothing after `digest`. */
  discard(): void;
}

/** Begins the hash of the file that is written at `path`. */
export type HashFile = (path: string) => FileHash;

/** Hashes in this thread, as the bytes pass by. */
export const hashHere: HashFile = () => {
  const hash = createHash('sha256');
  return {
    written: (bytes) => void hash.update(bytes),
    digest: () => Promise.resolve(hash.digest('hex')),
    discard: () => undefined,
  };
};

/** SHA-256 of a file's first bytes, open for more. @param sizeBytes How many, at least one; else all. */
export async function hashFile(path: string, sizeBytes = Infinity): Promise<Hash> {
  const hash = createHash('sha256');
  const chunks: AsyncIterable<Buffer> = createReadStream(path, { end: sizeBytes - 1 });
  for await (const chunk of chunks) hash.update(chunk);
  return hash;
}
