import { FileStart } from '@tributary/federation/vectors/file-start';
import { TributaryError } from '@tributary/protocol/errors';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from './api-client.js';
import { readAnswer, type BlobProgress } from './read-answer.js';

/** A request without an answer, or an answer of which nothing more comes, is given up after this. */
const SILENCE_MS = 30_000;
/** Failures without progress after which it is given up: a minute and a half with `pauseMs`. */
const MOST_FAILURES = 8;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

export interface BlobDownload {
  readonly sha256: string;
  /** Where the file appears when it is whole and is what its hash says. What has arrived so far is beside it, with `.part`. */
  readonly path: string;
  readonly onBytes?: ((progress: BlobProgress) => void) | undefined;
  /** The connection broke; it is tried again after a pause. */
  readonly onBreak?: (() => void) | undefined;
  readonly silenceMs?: number;
  readonly pauseMs?: (failures: number) => number;
}

/**
 * Downloads a file of the coordinator to disk. It goes on with what is there, from before a break of the link or from an earlier
 * call; a file that is whole is not asked for.
 *
 * @throws TributaryError INTERRUPTED and COORDINATOR_UNREACHABLE, which leave what has arrived; MODEL_VERIFY_FAILED for bytes
 *   that are not those of the hash, which are removed; DISK_FULL, or as the coordinator answers.
 */
export async function fetchBlob(api: ApiClient, download: BlobDownload): Promise<void> {
  const { sha256, path } = download;
  if (await isThere(path)) return;
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.part`;
  const start = await FileStart.open(part);
  try {
    const isOfEarlierCall = start.sizeBytes > 0;
    await complete(api, start, download);
    // Nobody knows what became of a part on a disk: what comes in one go decides.
    if (isOfEarlierCall && start.sha256() !== sha256) {
      await start.beginAnew();
      await complete(api, start, download);
    }
    if (start.sha256() !== sha256) {
      await rm(part, { force: true });
      throw new TributaryError('MODEL_VERIFY_FAILED', { detail: 'the weights that arrived are not those of the hash' });
    }
  } finally {
    await start.close();
  }
  await appear(part, path);
}

/** Asks for what is missing until an answer was read to its end. */
async function complete(api: ApiClient, start: FileStart, download: BlobDownload): Promise<void> {
  const { sha256, silenceMs = SILENCE_MS, pauseMs = pauseAfterMs, onBytes, onBreak } = download;
  let failures = 0;
  for (;;) {
    const before = start.sizeBytes;
    try {
      await readAnswer(api, start, { path: `/v1/blobs/${sha256}`, silenceMs, onBytes });
      return;
    } catch (error) {
      if (!(error instanceof TributaryError)) throw error;
      // There is nothing after what is there: the process ended before the file had its name, or the part is another one's.
      if (error.code === 'BLOB_RANGE_INVALID' && before > 0) return;
      if (error.code === 'INTERRUPTED' || error.code === 'DISK_FULL' || !error.spec.retryable) throw error;
      failures = start.sizeBytes > before ? 1 : failures + 1;
      if (failures > MOST_FAILURES) throw error;
      onBreak?.();
      await pause(pauseMs(failures), api.signal);
    }
  }
}

function pauseAfterMs(failures: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => {
    throw new TributaryError('INTERRUPTED');
  });
}

/** Another process may have finished the same file in between. */
async function appear(part: string, path: string): Promise<void> {
  try {
    await rename(part, path);
  } catch (error) {
    if (!(await isThere(path))) throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
