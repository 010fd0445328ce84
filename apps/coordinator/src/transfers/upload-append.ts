import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { TributaryError } from '@tributary/protocol';
import { OFFSET_TYPE } from '@tributary/protocol/tus';
import type { Locker, Upload } from '@tus/server';
import { assertVersion, bytesOf } from './upload-request.js';
import type { UploadStore } from './upload-store.js';

/** Bytes of a request after which it is told that they came. */
const TELL_BYTES = 8 * 1024 * 1024;
/** Of a request's body, while it waits to be written. */
const BUFFERED_BYTES = 128 * 1024;
/** For bytes that have come before anybody looked at them. */
const GRACE_MS = 50;
/** How a request's body ends: whole, or with its connection. */
const ENDS = ['end', 'error', 'close'];

/** Told how far an upload will be when what has come is written. */
type Arrival = (upload: Upload, reachedBytes: number) => void;

/** Bytes that are coming, and what they end with. */
interface Coming {
  readonly request: IncomingMessage;
  readonly takenOver: AbortSignal;
  readonly onArrival: Arrival;
}

/**
 * Bytes of uploads: tus 1.0.0 with creation-with-upload. Own code, because the library hands a body through a web stream and
 * three more to its store, which takes longer than all the rest of receiving it.
 * @see https://tus.io/protocols/resumable-upload
 */
export class UploadAppend {
  constructor(
    private readonly store: UploadStore,
    private readonly locker: Locker,
  ) {}

  /**
   * Begins an upload, in place of one that was there, and writes what the request brings of it.
   *
   * @param onArrival Called now and then while bytes come.
   * @returns The upload as it is then.
   * @throws TributaryError as `append` does.
   */
  async create(upload: Upload, request: IncomingMessage, onArrival: Arrival): Promise<Upload> {
    assertVersion(request);
    return this.alone(upload.id, request, async (takenOver) => {
      const begun = await this.store.datastore.create(upload);
      if (request.headers['content-type'] !== OFFSET_TYPE) return begun;
      return this.write(begun, { request, takenOver, onArrival });
    });
  }

  /**
   * Writes a request's body where the upload ends. What came before a connection broke stays; whoever comes while it is written
   * to makes it end. An upload that was whole already stays as it is.
   *
   * @param onArrival Called now and then while bytes come.
   * @returns The upload as it is now.
   * @throws TributaryError REQUEST_INVALID, NOT_FOUND, REQUEST_TOO_LARGE for more bytes than were announced, UPLOAD_LOCKED when the
   *         upload ends elsewhere than the request says or another request takes over.
   */
  async append(assignmentId: string, request: IncomingMessage, onArrival: Arrival): Promise<Upload> {
    const offset = offsetOf(request);
    return this.alone(this.store.idOf(assignmentId), request, async (takenOver) => {
      const upload = await this.store.find(assignmentId);
      if (upload === null) throw new TributaryError('NOT_FOUND', { detail: `upload ${assignmentId}` });
      if (upload.offset === upload.size) return upload;
      if (upload.offset !== offset) throw elsewhere(upload.offset, offset);
      return this.write(upload, { request, takenOver, onArrival });
    });
  }

  /** The upload, if there is one, when nobody writes to it any more. @throws TributaryError REQUEST_INVALID, UPLOAD_LOCKED. */
  async settled(assignmentId: string, request: IncomingMessage): Promise<Upload | null> {
    assertVersion(request);
    return this.alone(this.store.idOf(assignmentId), request, () => this.store.find(assignmentId));
  }

  private async write(upload: Upload, { request, takenOver, onArrival }: Coming): Promise<Upload> {
    const { id, offset, size = 0 } = upload;
    const onBytes = (bytes: number): void => onArrival(upload, offset + bytes);
    const body = endable(request, { maxBytes: size - offset, end: takenOver, onBytes });
    upload.offset = await this.store.datastore.write(body, id, offset);
    takenOver.throwIfAborted();
    return upload;
  }

  /** Lets `work` have the upload to itself, until another request wants it. */
  private async alone<T>(
    uploadId: string,
    request: IncomingMessage,
    work: (takenOver: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const takenOver = new AbortController();
    const gone = new AbortController();
    request.once('close', () => gone.abort());
    const lock = this.locker.newLock(uploadId);
    await lock.lock(gone.signal, () => takenOver.abort()).catch(refused);
    try {
      return await work(takenOver.signal);
    } catch (error) {
      throw takenOver.signal.aborted ? new TributaryError('UPLOAD_LOCKED') : error;
    } finally {
      request.resume();
      await lock.unlock();
    }
  }
}

/** The library's lock rejects with what is no Error when its time is over or the request has ended. */
function refused(error: unknown): never {
  throw error instanceof Error ? error : new TributaryError('UPLOAD_LOCKED');
}

/** Where the bytes of a request belong. */
function offsetOf(request: IncomingMessage): number {
  assertVersion(request);
  const { headers } = request;
  if (headers['content-type'] !== OFFSET_TYPE) throw invalid(`Content-Type: ${OFFSET_TYPE}`);
  const offset = bytesOf(headers['upload-offset']);
  if (offset === null) throw invalid('Upload-Offset: a number of bytes');
  return offset;
}

function elsewhere(held: number, asked: number): TributaryError {
  return new TributaryError('UPLOAD_LOCKED', { detail: `${held} bytes are held, and these begin at ${asked}` });
}

function tooMany(maxBytes: number): TributaryError {
  return new TributaryError('REQUEST_TOO_LARGE', { detail: `${maxBytes} bytes were to come`, maxBytes });
}

function invalid(detail: string): TributaryError {
  return new TributaryError('REQUEST_INVALID', { detail });
}

interface Limits {
  readonly maxBytes: number;
  readonly end: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/** A request's body that ends, as if it were whole, when its connection breaks or `end` is aborted. */
function endable(request: IncomingMessage, { maxBytes, end, onBytes }: Limits): Readable {
  const body = new Readable({ highWaterMark: BUFFERED_BYTES, read: () => void request.resume() });
  let bytes = 0;
  let toldBytes = 0;
  const take = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooMany(maxBytes);
    if (bytes - toldBytes >= TELL_BYTES) onBytes((toldBytes = bytes));
    if (!body.push(chunk)) request.pause();
  };
  const onData = (chunk: Buffer): void => {
    try {
      take(chunk);
    } catch (error) {
      stop();
      body.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  };
  let isOver = false;
  const stop = (): boolean => {
    request.off('data', onData);
    const isFirst = !isOver;
    isOver = true;
    return isFirst;
  };
  const finish = (): void => {
    if (stop()) body.push(null);
  };
  body.once('close', stop);
  // It may fail before its reader listens, who is told all the same; an error that nobody listens to would end the process.
  body.on('error', stop);
  request.on('data', onData);
  for (const event of ENDS) request.on(event, finish);
  end.addEventListener('abort', finish, { once: true });
  // Who is to make room before it has begun, or has gone by then, hears of it no more: what has come is kept all the same.
  if (end.aborted || request.destroyed) setTimeout(finish, GRACE_MS);
  return body;
}
