import type { IncomingMessage, ServerResponse } from 'node:http';
import { TUS_VERSION } from '@tributary/protocol/tus';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export interface TusAnswer {
  readonly status: 200 | 201 | 204;
  /** Bytes that are held. */
  readonly offset: number;
  /** Told to who asks how far an upload is. */
  readonly sizeBytes?: number | undefined;
  /** Path of the upload, told to who creates it. */
  readonly location: string;
}

/** A tus answer that needs no bytes; what the client sends meanwhile is read and dropped. */
export function answerTus({ request, response }: Exchange, { status, offset, sizeBytes, location }: TusAnswer): void {
  request.resume();
  response.writeHead(status, {
    'tus-resumable': TUS_VERSION,
    'upload-offset': String(offset),
    ...(sizeBytes === undefined ? {} : { 'upload-length': String(sizeBytes) }),
    ...(status === 201 ? { location } : {}),
    'cache-control': 'no-store',
  });
  response.end();
}

/** Does `work`; when it fails before all has come, the connection is closed with the answer: what is still sent is for nobody. */
export async function closingWhenCut<T>({ request, response }: Exchange, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!request.complete) response.setHeader('connection', 'close');
    throw error;
  }
}
