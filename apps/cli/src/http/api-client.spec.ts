import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ApiClient } from './api-client.js';

const answerSchema = z.object({ n: z.int() });

/** Answers one after the other; an error is thrown the way `fetch` throws. */
function scripted(...answers: (Response | Error)[]) {
  const requests: Request[] = [];
  const pauses: number[] = [];
  const client = new ApiClient({
    url: 'http://coordinator/',
    apiKey: 'key-1',
    fetch: (input, init) => {
      requests.push(new Request(input, init));
      const answer = answers.shift();
      return answer instanceof Response
        ? Promise.resolve(answer)
        : Promise.reject(answer ?? new Error('no answer left'));
    },
    pause: (milliseconds) => {
      pauses.push(milliseconds);
      return Promise.resolve();
    },
  });
  return { client, requests, pauses };
}

const refused = (): Error =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) });
const dropped = (): Error =>
  new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) });
const problem = (status: number, code: string): Response =>
  Response.json({ code, message: 'as it is', remedy: 'do it', retryable: false }, { status });

describe('ApiClient', () => {
  it('sends the key and reads the answer through its schema', async () => {
    const { client, requests } = scripted(Response.json({ n: 3, more: true }));
    expect(await client.get('/v1/things', answerSchema)).toEqual({ n: 3 });
    expect(requests[0]?.url).toBe('http://coordinator/v1/things');
    expect(requests[0]?.headers.get('authorization')).toBe('Bearer key-1');
  });

  it('tries a read four times with growing pauses before it calls the coordinator unreachable', async () => {
    const { client, pauses } = scripted(refused(), dropped(), dropped(), dropped());
    await expect(client.get('/v1/things', answerSchema)).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
    expect(pauses).toEqual([250, 500, 1000]);
  });

  it('says why a request could not be made', async () => {
    const cause = new TypeError('fetch failed', { cause: new Error('bad port') });
    const { client } = scripted(cause, cause, cause, cause);
    await expect(client.get('/v1/things', answerSchema)).rejects.toThrow('bad port');
  });

  it('repeats a change only when the request cannot have arrived', async () => {
    const again = scripted(refused(), Response.json({ n: 4 }));
    expect(await again.client.post('/v1/things', {}, answerSchema)).toEqual({ n: 4 });
    const once = scripted(dropped(), Response.json({ n: 4 }));
    await expect(once.client.post('/v1/things', {}, answerSchema)).rejects.toMatchObject({
      code: 'COORDINATOR_UNREACHABLE',
    });
    expect(once.requests).toHaveLength(1);
  });

  it('hands on the coordinator’s own error without trying again', async () => {
    const { client, requests } = scripted(problem(401, 'AUTH_INVALID'));
    await expect(client.get('/v1/things', answerSchema)).rejects.toMatchObject({ code: 'AUTH_INVALID' });
    expect(requests).toHaveLength(1);
  });

  it('does not take an answer that fits no schema', async () => {
    const { client } = scripted(Response.json({ n: 'three' }));
    await expect(client.get('/v1/things', answerSchema)).rejects.toMatchObject({ code: 'PROTOCOL_VERSION' });
  });
});
