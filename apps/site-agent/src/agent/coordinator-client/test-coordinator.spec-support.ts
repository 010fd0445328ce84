import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { SiteKey } from '../key-store/site-key.js';
import { AccessTokens } from './access-tokens.js';
import { CoordinatorHttp } from './coordinator-http.js';

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** A coordinator of one route: it hands out access tokens, and leaves the rest to `handler`. */
export interface TestCoordinator {
  readonly url: string;
  readonly http: CoordinatorHttp;
  readonly tokens: AccessTokens;
  /** `METHOD path` of every request that was no token exchange. */
  readonly requests: string[];
  /** Tokens handed out so far. */
  readonly issued: string[];
  handler: Handler;
  /** When set, no token is handed out, for this reason. */
  refusal: { readonly status: number; readonly code: string } | undefined;
  close(): Promise<void>;
}

export async function startTestCoordinator(handler: Handler): Promise<TestCoordinator> {
  const requests: string[] = [];
  const issued: string[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (request.url === '/v1/auth/challenge') {
        sendJson(response, 200, challenge());
        return;
      }
      if (request.url === '/v1/auth/token') {
        const { refusal } = coordinator;
        if (refusal !== undefined) {
          sendProblem(response, refusal.status, refusal.code);
          return;
        }
        issued.push(`token-${issued.length + 1}`);
        sendJson(response, 200, { accessToken: issued.at(-1), expiresAt: minutesFromNow(10) });
        return;
      }
      requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
      coordinator.handler(request, response, Buffer.concat(parts));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = `http://127.0.0.1:${port}`;
  const http = new CoordinatorHttp(url);
  const tokens = new AccessTokens(http, 'site-a', new SiteKey(generateKeyPairSync('ed25519').privateKey));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const coordinator: TestCoordinator = { url, http, tokens, requests, issued, handler, refusal: undefined, close };
  return coordinator;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export function sendProblem(response: ServerResponse, status: number, code: string): void {
  sendJson(response, status, { code, message: code, remedy: '', retryable: false });
}

function challenge(): object {
  return { challenge: 'challenge', serverTime: new Date().toISOString(), expiresAt: minutesFromNow(1) };
}

function minutesFromNow(minutes: number): string {
  return new Date(Date.now() + minutes * 60_000).toISOString();
}
