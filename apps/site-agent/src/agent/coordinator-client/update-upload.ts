import { TributaryError, type UploadMetadata } from '@tributary/protocol';
import type { AccessTokens } from './access-tokens.js';
import { authorisation, type CoordinatorHttp } from './coordinator-http.js';

/** Bytes in one request. An update below this size travels in the request that creates the upload. */
const CHUNK_BYTES = 8 * 1024 * 1024;
const UPLOADS_PATH = '/v1/uploads';
const TUS_HEADERS = { 'tus-resumable': '1.0.0' };

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
  readonly onBytes?: (bytes: number) => void;
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
  ) {}

  /** Sends what the coordinator does not have yet. One attempt; the caller repeats it with `resume` after a failure. */
  async send(upload: Upload, options: UploadOptions): Promise<void> {
    const file = await upload.open();
    try {
      let offset = options.resume ? await this.offset(upload, options.signal) : undefined;
      offset ??= await this.create(upload, file, options);
      while (offset < upload.sizeBytes) offset = await this.append(upload, file, { ...options, offset });
    } finally {
      await file.close();
    }
  }

  /** How many bytes the coordinator holds; undefined when it does not know the upload. */
  private async offset({ metadata }: Upload, signal: AbortSignal): Promise<number | undefined> {
    try {
      const response = await this.request(metadata.assignmentId, { method: 'HEAD', signal });
      return uploadOffset(response);
    } catch (error) {
      if (error instanceof TributaryError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  private async create(upload: Upload, file: UploadSource, options: UploadOptions): Promise<number> {
    const body = await readChunk(file, 0, upload.sizeBytes);
    const response = await this.request('', {
      method: 'POST',
      headers: {
        'upload-length': String(upload.sizeBytes),
        'upload-metadata': encodeMetadata(upload.metadata),
        'content-type': 'application/offset+octet-stream',
      },
      body,
      signal: options.signal,
    });
    const offset = uploadOffset(response);
    options.onBytes?.(offset);
    return offset;
  }

  private async append(
    upload: Upload,
    file: UploadSource,
    { offset, signal, onBytes }: UploadOptions & { readonly offset: number },
  ): Promise<number> {
    const body = await readChunk(file, offset, upload.sizeBytes);
    const response = await this.request(upload.metadata.assignmentId, {
      method: 'PATCH',
      headers: { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' },
      body,
      signal,
    });
    const reached = uploadOffset(response);
    if (reached <= offset) throw new TributaryError('SERVICE_NOT_READY', { detail: 'the upload did not advance' });
    onBytes?.(reached - offset);
    return reached;
  }

  private request(
    id: string,
    init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> },
  ): Promise<Response> {
    const path = id === '' ? UPLOADS_PATH : `${UPLOADS_PATH}/${id}`;
    return this.tokens.use((token) =>
      this.http.send(path, { ...init, headers: { ...TUS_HEADERS, ...authorisation(token), ...init.headers } }),
    );
  }
}

function uploadOffset(response: Response): number {
  const offset = Number(response.headers.get('upload-offset') ?? '0');
  if (!Number.isSafeInteger(offset) || offset < 0)
    throw new TributaryError('PROTOCOL_VERSION', { detail: 'Upload-Offset' });
  return offset;
}

function encodeMetadata(metadata: UploadMetadata): string {
  return Object.entries(metadata)
    .map(([key, value]) => `${key} ${Buffer.from(value, 'utf8').toString('base64')}`)
    .join(',');
}

async function readChunk(file: UploadSource, offset: number, sizeBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, sizeBytes - offset));
  const { bytesRead } = await file.read(chunk, 0, chunk.length, offset);
  if (bytesRead !== chunk.length)
    throw new TributaryError('UPDATE_WRONG_SIZE', { detail: 'the result is shorter than its report' });
  return chunk;
}
