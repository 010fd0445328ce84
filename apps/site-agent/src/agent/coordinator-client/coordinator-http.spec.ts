import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { toProblem, TributaryError } from '@tributary/protocol';
import { z } from 'zod';
import { CoordinatorHttp } from './coordinator-http.js';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function clientOf(answer: (response: ServerResponse) => void): Promise<CoordinatorHttp> {
  server = createServer((request, response) => {
    request.resume();
    answer(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return new CoordinatorHttp(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
}

const ask = (http: CoordinatorHttp) => http.json('POST', '/v1/x', { schema: z.object({ a: z.int() }), body: {} });

describe('CoordinatorHttp', () => {
  it('gives what fits the schema', async () => {
    const http = await clientOf((response) => response.end('{"a":1}'));
    expect(await ask(http)).toEqual({ a: 1 });
  });

  it.each([
    ['a page of a portal', 200, 'something else answers'],
    ['a redirection', 301, 'HTTP 301 from something else'],
    ['a method that is not allowed', 405, 'HTTP 405 from something else'],
    ['a page that another server does not have', 404, 'HTTP 404 from something else'],
    ['a server that wants a password', 401, 'HTTP 401 from something else'],
    ['a server that cannot do it', 501, 'HTTP 501 from something else'],
  ])('takes %s for a coordinator that cannot be reached, to be tried again', async (_name, status, detail) => {
    const http = await clientOf((response) =>
      response.writeHead(status, { location: 'https://portal.example' }).end('<html>'),
    );
    const failure = expect(ask(http)).rejects;
    await failure.toMatchObject({ code: 'COORDINATOR_UNREACHABLE', context: { detail }, spec: { retryable: true } });
  });

  it.each([429, 502, 503, 504])('takes HTTP %i of a proxy for a coordinator that is not ready', async (status) => {
    const http = await clientOf((response) => response.writeHead(status).end('<html>'));
    await expect(ask(http)).rejects.toMatchObject({ code: 'SERVICE_NOT_READY' });
  });

  it('takes JSON of another shape for another version of the protocol', async () => {
    const http = await clientOf((response) => response.end('{"b":1}'));
    await expect(ask(http)).rejects.toMatchObject({ code: 'PROTOCOL_VERSION' });
  });

  it("tells the coordinator's own code", async () => {
    const problem = toProblem(new TributaryError('SITE_REVOKED'));
    const http = await clientOf((response) => response.writeHead(403).end(JSON.stringify(problem)));
    await expect(ask(http)).rejects.toMatchObject({ code: 'SITE_REVOKED' });
  });
});
