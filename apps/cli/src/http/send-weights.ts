import { openAsBlob } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { TributaryError } from '@tributary/protocol/errors';
import { OFFSET_TYPE, TUS_VERSION } from '@tributary/protocol/tus';
import type { ApiClient } from './api-client.js';

const WEIGHTS_PATH = '/v1/weights';
const TUS_HEADERS = { 'tus-resumable': TUS_VERSION };
/** Bytes of one request: what proxies let through, and what a slow link carries in `TIMEOUT_MS`. */
const PIECE_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 120_000;
/** Failures without progress after which it is given up. */
const MOST_FAILURES = 4;
const FIRST_PAUSE_MS = 250;

export interface WeightsFile {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/**
 * Sends a file by the tus 1.0.0 protocol; what the coordinator has of it, also from an earlier call, is not sent again.
 *
 * Own code, because tus-js-client brings a dozen packages that nobody keeps any more.
 *
 * @param onHeld Called with how many bytes the coordinator holds.
 * @throws TributaryError as the coordinator answers, or COORDINATOR_UNREACHABLE after retries.
 * @see https://tus.io/protocols/resumable-upload
 */
export async function sendWeights(api: ApiClient, file: WeightsFile, onHeld: (bytes: number) => void): Promise<void> {
  const bytes = await openAsBlob(file.path);
  let failures = 0;
  let furthest = -1;
  for (let held = -1; held < file.sizeBytes;) {
    try {
      held = held < 0 ? await begin(api, file) : await append(api, file, { bytes, offset: held });
      onHeld(held);
      if (held > furthest) failures = 0;
      furthest = Math.max(furthest, held);
    } catch (error) {
      if (!(error instanceof TributaryError) || !error.spec.retryable || ++failures > MOST_FAILURES) throw error;
      await delay(FIRST_PAUSE_MS * 2 ** failures);
      held = -1;
    }
  }
}

/** Asks for an upload; the coordinator goes on with one that it has. @returns How many bytes it has of it. */
async function begin(api: ApiClient, { sha256, sizeBytes }: WeightsFile): Promise<number> {
  const metadata = `sha256 ${Buffer.from(sha256).toString('base64')}`;
  const headers = { ...TUS_HEADERS, 'upload-length': String(sizeBytes), 'upload-metadata': metadata };
  return offsetIn(await api.exchange({ method: 'POST', path: WEIGHTS_PATH, headers, timeoutMs: TIMEOUT_MS }));
}

async function append(
  api: ApiClient,
  { sha256 }: WeightsFile,
  { bytes, offset }: { readonly bytes: Blob; readonly offset: number },
): Promise<number> {
  const headers = {
    ...TUS_HEADERS,
    'upload-offset': String(offset),
    'content-type': OFFSET_TYPE,
  };
  const body = bytes.slice(offset, offset + PIECE_BYTES);
  const path = `${WEIGHTS_PATH}/${sha256}`;
  const held = offsetIn(await api.exchange({ method: 'PATCH', path, headers, body, timeoutMs: TIMEOUT_MS }));
  if (held <= offset) throw new TributaryError('SERVICE_NOT_READY', { detail: 'the upload did not advance' });
  return held;
}

function offsetIn(headers: Headers): number {
  const offset = Number(headers.get('upload-offset') ?? NaN);
  if (Number.isSafeInteger(offset) && offset >= 0) return offset;
  throw new TributaryError('PROTOCOL_VERSION', { detail: 'Upload-Offset' });
}
