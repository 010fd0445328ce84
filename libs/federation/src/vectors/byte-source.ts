import { open } from 'node:fs/promises';

/** Stored bytes that are read at any position. */
export interface ByteSource {
  readonly sizeBytes: number;
  /**
   * Reads until `bytes` is full or the source ends; leave `bytes` alone until then.
   *
   * @returns How many bytes were read.
   */
  read(position: number, bytes: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** Opens what an address names: the path of a file, or whatever the caller's storage goes by. */
export type OpenBytes = (address: string) => Promise<ByteSource>;

/** The bytes of a file. @throws The system's error, such as ENOENT. */
export async function openFileBytes(path: string): Promise<ByteSource> {
  const file = await open(path, 'r');
  try {
    const { size: sizeBytes } = await file.stat();
    return {
      sizeBytes,
      read: async (position, bytes) => {
        let done = 0;
        while (done < bytes.length) {
          const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done);
          if (bytesRead === 0) break;
          done += bytesRead;
        }
        return done;
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
