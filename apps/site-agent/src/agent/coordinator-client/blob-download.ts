import { openFileBytes, releaseChunk, type ByteSource } from '@tributary/federation';
import { FileStart } from '@tributary/federation/vectors/file-start';
import type { Range } from '@tributary/federation/vectors/range';
import { ASSIGNMENT_HEADER, TributaryError, type BlobRef } from '@tributary/protocol';
import type { AccessTokens } from './access-tokens.js';
import { authorisation, unreachable, type CoordinatorHttp } from './coordinator-http.js';
import { Silence } from './silence.js';

const COPIED_AT_ONCE_BYTES = 1024 * 1024;

/** An earlier file, from which a blob is expected to differ in some bytes only. */
export interface DownloadBase {
  readonly path: string;
  /** Where they may differ, ascending and disjoint. */
  readonly changed: readonly Range[];
}

export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** The assignment that needs the blob: the coordinator counts for it what it sends. */
  readonly assignmentId: string;
  /** Called with the bytes that are there, from the network or from the base. */
  readonly onBytes?: (bytes: number) => void;
  readonly base?: DownloadBase | undefined;
}

/** Puts blobs together from their first byte to their last, from the coordinator and, where there is one, from an earlier file. */
export class BlobDownload {
  constructor(
    private readonly http: CoordinatorHttp,
    private readonly tokens: AccessTokens,
  ) {}

  /**
   * Goes on with the file at `path`, which holds the blob's first bytes or is not there yet, until it is as long as the blob. What
   * the base cannot give comes from the coordinator.
   *
   * @returns SHA-256 of the file, for the caller to compare.
   * @throws TributaryError COORDINATOR_UNREACHABLE when the connection breaks, DISK_FULL, and as the coordinator answers.
   */
  async complete(blob: BlobRef, path: string, options: DownloadOptions): Promise<string> {
    const start = await FileStart.open(path, blob.sizeBytes);
    let base = await openBase(blob, options.base);
    try {
      while (start.sizeBytes < blob.sizeBytes) {
        const { end, isChanged } = nextPiece(start.sizeBytes, blob.sizeBytes, base && options.base?.changed);
        if (base === undefined || isChanged) await this.fetch(blob, start, { ...options, end });
        else if (!(await copy(base, start, { ...options, end }))) {
          await base.close();
          base = undefined;
        }
      }
      return start.sha256();
    } finally {
      await base?.close();
      await start.close();
    }
  }

  /** Appends the blob's bytes up to `end`; all of them to an empty file when the coordinator sends no parts. */
  private async fetch({ sha256, sizeBytes }: BlobRef, start: FileStart, options: PieceOptions): Promise<void> {
    const { signal, assignmentId, onBytes, end } = options;
    const begin = start.sizeBytes;
    const silence = new Silence();
    const answer = await this.tokens.use((token) =>
      this.http.open(
        `/v1/blobs/${sha256}`,
        {
          headers: { ...authorisation(token), [ASSIGNMENT_HEADER]: assignmentId, ...rangeOf(begin, end, sizeBytes) },
          signal,
        },
        silence,
      ),
    );
    const chunks: AsyncIterable<Buffer> = answer;
    try {
      if (answer.statusCode !== 206) await start.beginAnew();
      for await (const chunk of chunks) {
        silence.heard();
        await start.append(chunk);
        onBytes?.(chunk.byteLength);
        releaseChunk(chunk);
      }
      if (start.sizeBytes === begin) throw new Error('the answer is empty');
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof TributaryError ? error : unreachable(error);
    } finally {
      silence.over();
    }
  }
}

interface PieceOptions extends DownloadOptions {
  /** Where the piece ends in the blob. */
  readonly end: number;
}

/** Undefined where it is gone or of another length: then it was of another model. */
async function openBase({ sizeBytes }: BlobRef, base: DownloadBase | undefined): Promise<ByteSource | undefined> {
  const bytes = base && (await openFileBytes(base.path).catch(() => undefined));
  if (bytes === undefined || bytes.sizeBytes === sizeBytes) return bytes;
  await bytes.close();
  return undefined;
}

/** What follows `position` and comes from one place. @param changed Without a base: undefined. */
function nextPiece(position: number, sizeBytes: number, changed: readonly Range[] | undefined) {
  if (changed === undefined) return { end: sizeBytes, isChanged: true };
  const next = changed.find(({ end }) => end > position);
  const isChanged = next !== undefined && next.begin <= position;
  return { end: (isChanged ? next.end : next?.begin) ?? sizeBytes, isChanged };
}

/** Appends the base's bytes up to `end`. @returns False when they cannot be read. */
async function copy(base: ByteSource, start: FileStart, { signal, onBytes, end }: PieceOptions): Promise<boolean> {
  const buffer = new Uint8Array(Math.min(COPIED_AT_ONCE_BYTES, end - start.sizeBytes));
  while (start.sizeBytes < end) {
    signal.throwIfAborted();
    const part = buffer.subarray(0, end - start.sizeBytes);
    const bytesRead = await base.read(start.sizeBytes, part).catch(() => 0);
    if (bytesRead < part.length) return false;
    await start.append(part);
    onBytes?.(part.length);
  }
  return true;
}

/** The header that asks for a part; none for the whole. */
function rangeOf(begin: number, end: number, sizeBytes: number): Record<string, string> {
  if (end < sizeBytes) return { range: `bytes=${begin}-${end - 1}` };
  return begin === 0 ? {} : { range: `bytes=${begin}-` };
}
