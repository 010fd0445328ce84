import type { IncomingHttpHeaders } from 'node:http';
import { TributaryError, type UploadMetadata } from '@tributary/protocol';
import { OFFSET_TYPE, TUS_VERSION } from '@tributary/protocol/tus';
import type { AccessTokens } from './access-tokens.js';
import { authorisation, type CoordinatorHttp } from './coordinator-http.js';
import type { HttpRequest } from './http-exchange.js';

/** A coordinator that keeps uploads in S3 stores parts of it: a request of whole parts leaves no rest for the next one. */
const S3_PART_BYTES = 5 * 1024 * 1024;
/** In the request that creates the upload; a smaller update travels in it whole. */
const FIRST_PIECE_BYTES = 2 * S3_PART_BYTES;
/** Most bytes in one request: each costs both sides some milliseconds, and proxies bound it. */
const LARGEST_PIECE_BYTES = 12 * S3_PART_BYTES;
/** Read and sent at a time. */
const PART_BYTES = 1024 * 1024;
/** In the first request after a failure, which may have come of a slow link. */
const CAREFUL_PIECE_BYTES = 1024 * 1024;
const SMALLEST_PIECE_BYTES = 64 * 1024;
/** What a request takes on a slow link: well below the time after which it is given up. */
const PIECE_MS = 15_000;
const UPLOADS_PATH = '/v1/uploads';
const TUS_HEADERS = { 'tus-resumable': TUS_VERSION };

/** What is sent, read at any place any number of times: an open file is one. */
export interface UploadSource {
  /** Fills `length` bytes of `buffer` from `offset` with those at `position`. */
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  close(): Promise<void>;
}

export interface Upload {
  readonly open: () => Promise<UploadSource>;
  readonly sizeBytes: number;
  readonly metadata: UploadMetadata;
}

export interface UploadOptions {
  readonly signal: AbortSignal;
  /** True when an earlier attempt may have left something at the coordinator: ask first how far it came. */
  readonly resume: boolean;
  /** Called with how many bytes the coordinator holds, whenever it has told. */
  readonly onOffset?: (bytes: number) => void;
}

/** What one request carries. */
interface Piece {
  /** Its place in the file; undefined while the upload is not created. */
  readonly offset: number | undefined;
  readonly bytes: number;
  readonly file: UploadSource;
}

/**
 * Sends results by the tus 1.0.0 protocol (core, creation, creation-with-upload). The upload's id is the assignment's id,
 * so that sending again resumes or does nothing.
 *
 * Own client, because tus-js-client takes at least two requests an upload and rounds are short.
 * @see https://tus.io/protocols/resumable-upload
 */
export class UpdateUpload {
  constructor(
    private readonly http: CoordinatorHttp,
    private readonly tokens: AccessTokens,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** Sends what the coordinator does not have yet. One attempt; the caller repeats it with `resume` after a failure. */
  async send(upload: Upload, options: UploadOptions): Promise<void> {
    const file = await upload.open();
    try {
      let offset = options.resume ? await this.offset(upload, options.signal) : undefined;
      let pieceBytes = options.resume ? CAREFUL_PIECE_BYTES : FIRST_PIECE_BYTES;
      if (offset !== undefined) options.onOffset?.(offset);
      while (offset === undefined || offset < upload.sizeBytes) {
        const startedMs = this.nowMs();
        const begin = offset ?? 0;
        const bytes = Math.min(pieceBytes, upload.sizeBytes - begin);
        offset = await this.sendPiece(upload, { offset, bytes, file }, options.signal);
        options.onOffset?.(offset);
        pieceBytes = nextPieceBytes(offset - begin, this.nowMs() - startedMs);
      }
    } finally {
      await file.close();
    }
  }

  /** @returns How many bytes the coordinator holds then. */
  private sendPiece(upload: Upload, { offset, ...rest }: Piece, signal: AbortSignal): Promise<number> {
    if (offset === undefined) return this.create(upload, { offset, ...rest }, signal);
    return this.append(upload, { offset, ...rest }, signal);
  }

  /** How many bytes the coordinator holds; undefined when it does not know the upload. */
  private async offset({ metadata }: Upload, signal: AbortSignal): Promise<number | undefined> {
    try {
      const headers = await this.request(metadata.assignmentId, { method: 'HEAD', signal });
      return uploadOffset(headers);
    } catch (error) {
      if (error instanceof TributaryError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  private async create(upload: Upload, piece: Piece, signal: AbortSignal): Promise<number> {
    const headers = await this.request('', {
      method: 'POST',
      headers: {
        'upload-length': String(upload.sizeBytes),
        'upload-metadata': encodeMetadata(upload.metadata),
        ...bytesHeaders(piece),
      },
      body: () => partsOf(piece),
      signal,
    });
    return uploadOffset(headers);
  }

  private async append(
    { metadata }: Upload,
    piece: Piece & { readonly offset: number },
    signal: AbortSignal,
  ): Promise<number> {
    const headers = await this.request(metadata.assignmentId, {
      method: 'PATCH',
      headers: { 'upload-offset': String(piece.offset), ...bytesHeaders(piece) },
      body: () => partsOf(piece),
      signal,
    });
    const reached = uploadOffset(headers);
    if (reached <= piece.offset)
      throw new TributaryError('SERVICE_NOT_READY', { detail: 'the upload did not advance' });
    return reached;
  }

  private request(id: string, request: HttpRequest): Promise<IncomingHttpHeaders> {
    const path = id === '' ? UPLOADS_PATH : `${UPLOADS_PATH}/${id}`;
    return this.tokens.use((token) =>
      this.http.send(path, { ...request, headers: { ...TUS_HEADERS, ...authorisation(token), ...request.headers } }),
    );
  }
}

function uploadOffset(headers: IncomingHttpHeaders): number {
  const offset = Number(headers['upload-offset'] ?? '0');
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw new TributaryError('PROTOCOL_VERSION', { detail: 'Upload-Offset' });
  return offset;
}

function encodeMetadata(metadata: UploadMetadata): string {
  return Object.entries(metadata)
    .map(([key, value]) => `${key} ${Buffer.from(value, 'utf8').toString('base64')}`)
    .join(',');
}

/** As many bytes as would have taken `PIECE_MS` at the last request's rate, within limits. */
function nextPieceBytes(sentBytes: number, tookMs: number): number {
  const bytes = Math.round((sentBytes * PIECE_MS) / Math.max(1, tookMs));
  return Math.min(LARGEST_PIECE_BYTES, Math.max(SMALLEST_PIECE_BYTES, bytes));
}

function bytesHeaders({ bytes }: Piece): Record<string, string> {
  return { 'content-type': OFFSET_TYPE, 'content-length': String(bytes) };
}

/** The bytes of a piece, in parts that share their memory. */
async function* partsOf({ offset = 0, bytes, file }: Piece): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(PART_BYTES, bytes));
  for (let done = 0; done < bytes; done += buffer.length) {
    const part = buffer.subarray(0, bytes - done);
    const { bytesRead } = await file.read(part, 0, part.length, offset + done);
    if (bytesRead !== part.length)
      throw new TributaryError('UPDATE_WRONG_SIZE', { detail: 'the result is shorter than its report' });
    yield part;
  }
}
