import { fromProblem, parseOrThrow, problemSchema, TributaryError } from '@tributary/protocol';
import type { z } from 'zod';
import { errnoOf } from '../../durable-files/errno.js';
import { Silence } from './silence.js';

export interface JsonRequest<S extends z.ZodType> {
  readonly body?: unknown;
  readonly accessToken?: string;
  readonly schema: S;
}

/** Plain HTTP to the coordinator: outbound, keep-alive, every failure a coded error. */
export class CoordinatorHttp {
  private link = new AbortController();

  constructor(private readonly baseUrl: string) {}

  /** Gives up every request under way: the link was found dead by other means, and their connections with it. */
  breakOff(): void {
    this.link.abort(new DOMException('the link is dead', 'NetworkError'));
    this.link = new AbortController();
  }

  /** One JSON request; the answer is checked against `schema`. */
  async json<S extends z.ZodType>(method: 'GET' | 'POST', path: string, request: JsonRequest<S>): Promise<z.infer<S>> {
    const response = await this.send(path, {
      method,
      headers: {
        ...authorisation(request.accessToken),
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    });
    return parseOrThrow(request.schema, await response.json(), 'PROTOCOL_VERSION');
  }

  /**
   * @param path    Below the coordinator's URL, or absolute.
   * @param silence Ends the request, its answer's body included; who reads a long body tells it what comes.
   * @throws TributaryError COORDINATOR_UNREACHABLE when no answer came; the coordinator's own code for an error answer.
   */
  async send(path: string, init: RequestInit, silence = new Silence()): Promise<Response> {
    const signals = [silence.signal, this.link.signal, ...(init.signal ? [init.signal] : [])];
    let response: Response;
    try {
      response = await fetch(new URL(path, this.baseUrl), { ...init, signal: AbortSignal.any(signals) });
    } catch (error) {
      throw unreachable(error);
    }
    if (response.ok) return response;
    throw await refusal(response);
  }
}

export function authorisation(accessToken: string | undefined): Record<string, string> {
  return accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` };
}

/** The connection's own error code (ECONNREFUSED, CERT_HAS_EXPIRED) says more than fetch's message. */
export function unreachable(error: unknown): TributaryError {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const detail = errnoOf(cause) ?? (error instanceof Error ? error.name : undefined);
  return new TributaryError('COORDINATOR_UNREACHABLE', { detail }, { cause: error });
}

async function refusal(response: Response): Promise<TributaryError> {
  const text = await response.text().catch(() => '');
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  const problem = problemSchema.safeParse(body);
  if (problem.success) return fromProblem(problem.data);
  return withoutProblem(response.status);
}

/** Answers without a coded body: to HEAD, or from a proxy in between. */
function withoutProblem(status: number): TributaryError {
  const context = { detail: `HTTP ${status}`, status };
  if (status === 404 || status === 410) return new TributaryError('NOT_FOUND', context);
  if (status === 401) return new TributaryError('AUTH_INVALID', context);
  if (status === 403) return new TributaryError('AUTH_FORBIDDEN', context);
  if (status === 423) return new TributaryError('UPLOAD_LOCKED', context);
  return new TributaryError(status >= 500 || status === 429 ? 'SERVICE_NOT_READY' : 'INTERNAL', context);
}
