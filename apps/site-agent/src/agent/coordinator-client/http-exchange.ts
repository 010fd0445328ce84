import { request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as secureRequest } from 'node:https';
import { releaseReads } from '@tributary/federation/vectors/release-reads';

/** A body that is made while it is sent; each part is left alone until the next one is asked for. */
export type BodyParts = () => AsyncIterable<Uint8Array>;

export interface HttpRequest {
  /** Default: GET. */
  readonly method?: 'GET' | 'HEAD' | 'PATCH' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Parts are to be as many bytes as the headers' `content-length` says. */
  readonly body?: string | BodyParts;
  /** Called when a part of the body has gone. */
  readonly onSent?: () => void;
  readonly signal?: AbortSignal;
}

/**
 * Sends one request and waits for the head of its answer, whose body is to be read or dropped. Node's own client, because
 * `fetch` hands bodies through web streams: the bytes of a model take two to three times as long. Connections are kept alive,
 * and proxies are those that Node's global agents use. Redirections are not followed.
 *
 * @throws The system's error when no answer came, what making the body throws, the signal's reason. After the answer's head the body tells it.
 */
export function exchange(url: URL, request: HttpRequest): Promise<IncomingMessage> {
  const { method = 'GET', headers = {}, signal } = request;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const send = url.protocol === 'https:' ? secureRequest : plainRequest;
    const outgoing = send(url, { method, headers });
    outgoing.once('socket', releaseReads);
    let answer: IncomingMessage | undefined;
    const giveUp = (): void => {
      const reason: unknown = signal?.reason;
      (answer ?? outgoing).destroy(reason instanceof Error ? reason : new Error('the request was given up'));
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    outgoing.once('response', (message) => {
      answer = message;
      resolve(message);
    });
    outgoing.on('error', reject);
    outgoing.once('close', () => signal?.removeEventListener('abort', giveUp));
    sendBody(outgoing, request).catch((error: unknown) => {
      outgoing.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
}

async function sendBody(outgoing: ClientRequest, { body, onSent }: HttpRequest): Promise<void> {
  if (typeof body === 'function') {
    for await (const part of body()) {
      await written(outgoing, part);
      if (outgoing.destroyed) return;
      onSent?.();
    }
    outgoing.end();
  } else outgoing.end(body);
}

/** Resolves when the system has taken the bytes over, or the request has ended: its answer or its error tells how. */
function written(outgoing: ClientRequest, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off('close', done);
      resolve();
    };
    outgoing.once('close', done);
    outgoing.write(bytes, done);
  });
}
