import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as secureRequest } from 'node:https';

export interface HttpRequest {
  /** Default: GET. */
  readonly method?: 'GET' | 'HEAD' | 'PATCH' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Leave its bytes alone until the answer is there. */
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
}

/**
 * Sends one request and waits for the head of its answer, whose body is to be read or dropped. Node's own client, because
 * `fetch` hands bodies through web streams: the bytes of a model take two to three times as long. Connections are kept alive,
 * and proxies are those that Node's global agents use. Redirections are not followed.
 *
 * @throws The system's error when no answer came; the signal's reason. After the answer's head the body tells it.
 */
export function exchange(url: URL, request: HttpRequest): Promise<IncomingMessage> {
  const { method = 'GET', headers = {}, body, signal } = request;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const send = url.protocol === 'https:' ? secureRequest : plainRequest;
    const outgoing = send(url, { method, headers });
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
    outgoing.end(body);
  });
}
