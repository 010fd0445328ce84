import { open, rm, type FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { GatheredPart } from './gathered-part.js';

export interface PartsOptions {
  /** Of every part but the last. */
  readonly partBytes: number;
  /** Where a file of two parts may be made. */
  readonly stagingPath: string;
  readonly send: (part: GatheredPart) => Promise<void>;
}

/**
 * Sends a stream in parts, one after the other, so that what the store has is always the beginning of it. The next part gathers
 * in a file while one is sent: a slow stream holds no memory, and one that is quicker than the store waits for it.
 *
 * @returns How many bytes the stream had.
 * @throws What `send` does, the system's error, or the stream's; nothing is under way then.
 */
export async function sendInParts(body: Readable, { partBytes, stagingPath, send }: PartsOptions): Promise<number> {
  const file = await namelessFile(stagingPath);
  const place = (index: number) => ({ file, begin: (index % 2) * partBytes, maxBytes: partBytes });
  let sending: Promise<void> = Promise.resolve();
  let gathering = new GatheredPart(place(0));
  let count = 0;
  let sentBytes = 0;
  const sendPart = async (): Promise<void> => {
    const part = gathering;
    await Promise.all([sending, part.end()]);
    sentBytes += part.sizeBytes;
    sending = send(part);
    sending.catch((error: unknown) => body.destroy(error instanceof Error ? error : new Error(String(error))));
    gathering = new GatheredPart(place(++count));
  };
  try {
    for await (const chunk of chunksOf(body)) {
      for (let left = chunk; left.length > 0;) {
        left = await gathering.append(left);
        if (gathering.isFull) await sendPart();
      }
    }
    if (gathering.sizeBytes > 0) await sendPart();
    await sending;
    return sentBytes;
  } finally {
    await Promise.allSettled([sending, gathering.idle()]);
    await file.close();
  }
}

function chunksOf(body: Readable): AsyncIterable<Buffer> {
  return body;
}

/** A file that is gone when it is closed, or the process dies. */
async function namelessFile(path: string): Promise<FileHandle> {
  const file = await open(path, 'wx+');
  await rm(path);
  return file;
}
