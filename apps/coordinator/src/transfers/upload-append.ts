import type { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import { TributaryError } from '@tributary/protocol';
import type { Locker, Upload } from '@tus/server';
import { OFFSET_TYPE, TUS_VERSION } from './tus-protocol.js';
import type { UploadStore } from './upload-store.js';

/**
 * The next bytes of uploads: tus 1.0.0's PATCH. Own code, because the library hands a body through a web stream and three more
 * to its store, which takes longer than all the rest of receiving it.
 * @see https://tus.io/protocols/resumable-upload#patch
 */
export class UploadAppend {
  constructor(
    private readonly store: UploadStore,
    private readonly locker: Locker,
  ) {}

  /**
   * Writes a request's body where the upload ends. What came before a connection broke stays; whoever comes while it is written
   * to makes it end. An upload that was whole already stays as it is.
   *
   * @returns The upload as it is now.
   * @throws TributaryError REQUEST_INVALID, NOT_FOUND, REQUEST_TOO_LARGE for more bytes than were announced, UPLOAD_LOCKED when the
   *         upload ends elsewhere than the request says or another request takes over.
   */
  async append(assignmentId: string, request: IncomingMessage): Promise<Upload> {
    const offset = offsetOf(request);
    const takenOver = new AbortController();
    const gone = new AbortController();
    request.once('close', () => gone.abort());
    const lock = this.locker.newLock(this.store.idOf(assignmentId));
    await lock.lock(gone.signal, () => takenOver.abort());
    try {
      const upload = await this.store.find(assignmentId);
      if (upload === null) throw new TributaryError('NOT_FOUND', { detail: `upload ${assignmentId}` });
      if (upload.offset === upload.size) return upload;
      if (upload.offset !== offset) throw new TributaryError('UPLOAD_LOCKED', { detail: `offset ${upload.offset}` });
      const body = endable(request, { maxBytes: (upload.size ?? 0) - offset, end: takenOver.signal });
      upload.offset = await this.store.datastore.write(body, upload.id, offset);
      takenOver.signal.throwIfAborted();
      return upload;
    } catch (error) {
      throw takenOver.signal.aborted ? new TributaryError('UPLOAD_LOCKED') : error;
    } finally {
      request.resume();
      await lock.unlock();
    }
  }
}

/** The headers that tus asks for. */
function offsetOf({ headers }: IncomingMessage): number {
  if (headers['tus-resumable'] !== TUS_VERSION) throw invalid(`Tus-Resumable: ${TUS_VERSION}`);
  if (headers['content-type'] !== OFFSET_TYPE) throw invalid(`Content-Type: ${OFFSET_TYPE}`);
  const offset = Number(headers['upload-offset'] ?? NaN);
  if (!Number.isSafeInteger(offset) || offset < 0) throw invalid('Upload-Offset: a number of bytes');
  return offset;
}

function invalid(detail: string): TributaryError {
  return new TributaryError('REQUEST_INVALID', { detail });
}

/** A request's body that ends, as if it were whole, when its connection breaks or `end` is aborted. */
function endable(
  request: IncomingMessage,
  { maxBytes, end }: { readonly maxBytes: number; readonly end: AbortSignal },
): Transform {
  let bytes = 0;
  const body = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      if (bytes > maxBytes) done(new TributaryError('REQUEST_TOO_LARGE', { maxBytes }));
      else done(null, chunk);
    },
  });
  const finish = (): void => {
    request.unpipe(body);
    if (!body.writableEnded) body.end();
  };
  request.once('error', finish);
  request.once('close', finish);
  end.addEventListener('abort', finish, { once: true });
  return request.pipe(body);
}
