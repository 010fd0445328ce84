import { open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { releaseChunk } from '@tributary/federation';
import type { ByteRange } from './blob-store.js';

const BUFFER_BYTES = 512 * 1024;

/** Where bytes go, and who counts them. */
export interface Receiver {
  /** Is not ended. */
  readonly out: ServerResponse;
  /** Told of bytes when the system has taken them over. */
  readonly onSent?: (bytes: number) => void;
}

/**
 * Sends a part of a file from two buffers in turn, one being read while the other is sent. A stream of the file would take a new
 * buffer for every read, and leave 100 MB of them to the garbage collector. `out` must call back only when the system has
 * taken the bytes over: an answer does.
 *
 * @throws The system's error; an Error when the receiver goes before all is sent.
 */
export async function sendFile(path: string, { begin, end }: ByteRange, receiver: Receiver): Promise<void> {
  const file = await open(path, 'r');
  const sending: Promise<void>[] = [];
  try {
    const bufferBytes = Math.min(BUFFER_BYTES, end - begin);
    const buffers: Buffer[] = [];
    for (let position = begin, turn = 0; position < end; turn = 1 - turn) {
      await sending[turn];
      const buffer = (buffers[turn] ??= Buffer.allocUnsafeSlow(bufferBytes));
      const { bytesRead } = await file.read(buffer, 0, Math.min(bufferBytes, end - position), position);
      if (bytesRead === 0) throw new Error('the file ends before the range');
      position += bytesRead;
      sending[turn] = sent(receiver, buffer.subarray(0, bytesRead));
    }
    await Promise.all(sending);
    // After a failure the system may still read them.
    buffers.forEach(releaseChunk);
  } finally {
    await Promise.allSettled(sending);
    await file.close();
  }
}

/** Writes to a receiver, which must be as in {@link sendFile}. Resolves when the system has taken the bytes over; rejects when it does not. */
export function sent({ out, onSent }: Receiver, bytes: Buffer): Promise<void> {
  const done = new Promise<void>((resolve, reject) => {
    const onClose = (): void => reject(new Error('the receiver has gone'));
    if (out.destroyed) return onClose();
    out.once('close', onClose);
    out.write(bytes, (error) => {
      out.off('close', onClose);
      if (error) reject(error);
      else {
        onSent?.(bytes.length);
        resolve();
      }
    });
  });
  done.catch(() => undefined); // told where it is awaited
  return done;
}
