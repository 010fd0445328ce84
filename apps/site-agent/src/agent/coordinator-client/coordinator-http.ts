import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { fromProblem, jsonOrUndefined, parseOrThrow, problemSchema, TributaryError } from '@tributary/protocol';
import type { z } from 'zod';
import { errnoOf } from '../../durable-files/errno.js';
import { exchange, type HttpRequest } from './http-exchange.js';
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
    const silence = new Silence();
    const answer = await this.open(
      path,
      {
        method,
        headers: {
          ...authorisation(request.accessToken),
          ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      },
      silence,
    );
    const body = await text(answer)
      .catch((error: unknown) => {
        throw unreachable(error);
      })
      .finally(() => silence.over());
    return parseOrThrow(request.schema, parsed(body), 'PROTOCOL_VERSION');
  }

  /**
   * One request of whose answer only the headers count.
   *
   * @throws TributaryError as {@link open} does.
   */
  async send(path: string, request: HttpRequest): Promise<IncomingHttpHeaders> {
    const silence = new Silence();
    const answer = await this.open(path, request, silence);
    answer.once('close', () => silence.over()).resume();
    return answer.headers;
  }

  /**
   * One request, whose answer's body the caller reads.
   *
   * @param path    Below the coordinator's URL, or absolute.
   * @param silence Ends the request, its answer's body included; who reads a long body tells it what comes, and its end.
   * @throws TributaryError COORDINATOR_UNREACHABLE when no answer came; the coordinator's own code for an error answer; what
   *         making the body throws.
   */
  async open(path: string, request: HttpRequest, silence: Silence): Promise<IncomingMessage> {
    const signals = [silence.signal, this.link.signal, ...(request.signal ? [request.signal] : [])];
    let answer: IncomingMessage;
    try {
      answer = await exchange(new URL(path, this.baseUrl), {
        ...request,
        signal: AbortSignal.any(signals),
        onSent: () => silence.heard(),
      });
    } catch (error) {
      silence.over();
      throw error instanceof TributaryError ? error : unreachable(error);
    }
    if (isGood(answer)) return answer;
    throw await refusal(answer, request).finally(() => silence.over());
  }
}

function isGood({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

/** The header that carries an access token; none before the site has one. */
export function authorisation(accessToken: string | undefined): Record<string, string> {
  return accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` };
}

/** The connection's own error code (ECONNREFUSED, CERT_HAS_EXPIRED) says more than a message. */
export function unreachable(error: unknown): TributaryError {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const detail = errnoOf(cause) ?? (error instanceof Error ? error.name : undefined);
  return new TributaryError('COORDINATOR_UNREACHABLE', { detail }, { cause: error });
}

async function refusal(answer: IncomingMessage, { body: asked }: HttpRequest): Promise<TributaryError> {
  const body = await text(answer).catch(() => '');
  const problem = problemSchema.safeParse(jsonOrUndefined(body));
  if (problem.success) return fromProblem(problem.data);
  const status = answer.statusCode ?? 0;
  // The coordinator gives a reason to every question in JSON; only what stands before it may ask for patience without one.
  const isElse = typeof asked === 'string' && ![429, 502, 503, 504].includes(status);
  return isElse ? somethingElse(status) : withoutProblem(status);
}

function somethingElse(status: number): TributaryError {
  return new TributaryError('COORDINATOR_UNREACHABLE', { detail: `HTTP ${status} from something else`, status });
}

/** The JSON of an answer; a portal or a proxy in between may say something else. */
function parsed(body: string): unknown {
  const value = jsonOrUndefined(body);
  if (value === undefined) throw new TributaryError('COORDINATOR_UNREACHABLE', { detail: 'something else answers' });
  return value;
}

/** Answers without a coded body: to HEAD, or from a portal or a proxy in between. */
function withoutProblem(status: number): TributaryError {
  const context = { detail: `HTTP ${status}`, status };
  if (status === 404 || status === 410) return new TributaryError('NOT_FOUND', context);
  if (status === 401) return new TributaryError('AUTH_INVALID', context);
  if (status === 403) return new TributaryError('AUTH_FORBIDDEN', context);
  if (status === 423) return new TributaryError('UPLOAD_LOCKED', context);
  if (status >= 500 || status === 429) return new TributaryError('SERVICE_NOT_READY', context);
  return somethingElse(status);
}
