import type { FileStart } from '@tributary/federation/vectors/file-start';
import { TributaryError } from '@tributary/protocol/errors';
import type { ApiClient } from './api-client.js';

const PARTIAL_CONTENT = 206;

export interface BlobProgress {
  readonly doneBytes: number;
  /** Null where the server does not say. */
  readonly totalBytes: number | null;
}

export interface AnswerOptions {
  readonly path: string;
  /** Without a byte for this long, the answer is given up. */
  readonly silenceMs: number;
  readonly onBytes?: ((progress: BlobProgress) => void) | undefined;
}

/**
 * Asks for what follows the start of a file and appends it while it comes; all of it to an empty file where the server sends no
 * parts.
 *
 * @throws TributaryError COORDINATOR_UNREACHABLE when the connection breaks or falls silent, INTERRUPTED, DISK_FULL, or as the
 *   coordinator answers.
 */
export async function readAnswer(api: ApiClient, start: FileStart, options: AnswerOptions): Promise<void> {
  const { path, silenceMs, onBytes } = options;
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), silenceMs);
  try {
    const headers: Record<string, string> = start.sizeBytes > 0 ? { range: `bytes=${start.sizeBytes}-` } : {};
    const answer = await api.open(path, { headers, signal: silence.signal });
    if (answer.status !== PARTIAL_CONTENT) await start.beginAnew();
    const totalBytes = totalOf(answer, start.sizeBytes);
    onBytes?.({ doneBytes: start.sizeBytes, totalBytes });
    for await (const chunk of chunksOf(answer, api.signal)) {
      timer.refresh();
      await start.append(chunk);
      onBytes?.({ doneBytes: start.sizeBytes, totalBytes });
    }
    if (totalBytes !== null && start.sizeBytes < totalBytes) throw broken('the answer ends early');
  } finally {
    clearTimeout(timer);
  }
}

async function* chunksOf({ body }: Response, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const next = await reader.read().catch((error: unknown) => {
        throw signal?.aborted === true ? new TributaryError('INTERRUPTED') : broken('the link broke', error);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function totalOf({ headers }: Response, beginBytes: number): number | null {
  const length = headers.get('content-length');
  return length === null ? null : beginBytes + Number(length);
}

function broken(detail: string, cause?: unknown): TributaryError {
  return new TributaryError('COORDINATOR_UNREACHABLE', { detail }, { cause });
}
