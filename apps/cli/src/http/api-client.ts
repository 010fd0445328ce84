import { TributaryError } from '@tributary/protocol/errors';
import { fromProblem, problemSchema } from '@tributary/protocol/problem';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 250;
const REQUEST_TIMEOUT_MS = 30_000;

export interface ApiClientOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly signal?: AbortSignal;
  readonly fetch?: typeof fetch;
  readonly pause?: (milliseconds: number) => Promise<void>;
}

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
}

/** A request whose answer is in its headers. */
export interface BareCall {
  readonly method: 'POST' | 'PATCH';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Blob;
  readonly timeoutMs: number;
}

/** A request whose answer may take any time. */
export interface OpenCall {
  readonly headers: Readonly<Record<string, string>>;
  /** Ends the request and its answer. */
  readonly signal: AbortSignal;
}

/**
 * The coordinator's HTTP interface: answers are held to their schema, problems become coded errors, and what can be
 * helped by trying again is tried again.
 */
export class ApiClient {
  constructor(private readonly options: ApiClientOptions) {}

  /** Aborted when the person wants an end. */
  get signal(): AbortSignal | undefined {
    return this.options.signal;
  }

  get url(): string {
    return this.options.url.replace(/\/+$/, '');
  }

  /** @throws TributaryError as the coordinator answered, or COORDINATOR_UNREACHABLE after retries. */
  async get<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>> {
    return this.read(await this.send({ method: 'GET', path }), schema);
  }

  async post<S extends z.ZodType>(path: string, body: unknown, schema: S): Promise<z.infer<S>> {
    return this.read(await this.send({ method: 'POST', path, body }), schema);
  }

  /**
   * Asks once for a body that is read while it comes.
   *
   * @param request.signal Ends the answer too.
   * @throws TributaryError INTERRUPTED, COORDINATOR_UNREACHABLE, or as the coordinator answered.
   */
  async open(path: string, { signal, headers }: OpenCall): Promise<Response> {
    const outcome = await this.fetch(path, { method: 'GET', headers }, signal);
    if (outcome instanceof Response) return outcome;
    throw this.options.signal?.aborted === true ? new TributaryError('INTERRUPTED') : outcome;
  }

  /** Sends a request once. @returns The answer's headers. @throws TributaryError as the coordinator answered, or COORDINATOR_UNREACHABLE. */
  async exchange({ path, timeoutMs, ...request }: BareCall): Promise<Headers> {
    const outcome = await this.fetch(path, request, AbortSignal.timeout(timeoutMs));
    if (outcome instanceof Response) return outcome.headers;
    throw this.options.signal?.aborted === true ? new TributaryError('INTERRUPTED') : outcome;
  }

  private async read<S extends z.ZodType>(response: Response, schema: S): Promise<z.infer<S>> {
    const parsed = schema.safeParse(await response.json().catch(() => undefined));
    if (parsed.success) return parsed.data;
    throw new TributaryError('PROTOCOL_VERSION', { detail: "the coordinator's answer does not fit the schema" });
  }

  private async send(call: Call): Promise<Response> {
    const pause = this.options.pause ?? ((milliseconds: number) => delay(milliseconds));
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.tryOnce(call);
      if (outcome instanceof Response) return outcome;
      if (this.options.signal?.aborted === true) throw new TributaryError('INTERRUPTED');
      if (attempt === ATTEMPTS || !mayRepeat(call, outcome)) throw outcome;
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  }

  private tryOnce({ method, path, body }: Call): Promise<Response | TributaryError> {
    if (body === undefined) return this.fetch(path, { method }, AbortSignal.timeout(REQUEST_TIMEOUT_MS));
    const request = { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    return this.fetch(path, request, AbortSignal.timeout(REQUEST_TIMEOUT_MS));
  }

  private async fetch(
    path: string,
    {
      headers,
      ...request
    }: Pick<RequestInit, 'method' | 'body'> & { readonly headers?: Readonly<Record<string, string>> },
    end: AbortSignal,
  ): Promise<Response | TributaryError> {
    const signal = this.options.signal === undefined ? end : AbortSignal.any([end, this.options.signal]);
    const authorised = { authorization: `Bearer ${this.options.apiKey}`, ...headers };
    try {
      const send = this.options.fetch ?? fetch;
      const response = await send(`${this.url}${path}`, { ...request, headers: authorised, signal });
      return response.ok ? response : await problemOf(response);
    } catch (error) {
      return new TributaryError('COORDINATOR_UNREACHABLE', { detail: reasonOf(error) }, { cause: error });
    }
  }
}

/** A request that changes something is repeated only when it cannot have arrived. */
function mayRepeat({ method }: Call, error: TributaryError): boolean {
  if (method === 'GET') return error.spec.retryable;
  return error.code === 'COORDINATOR_UNREACHABLE' && error.context.detail?.includes('ECONNREFUSED') === true;
}

async function problemOf(response: Response): Promise<TributaryError> {
  const parsed = problemSchema.safeParse(await response.json().catch(() => undefined));
  if (parsed.success) return fromProblem(parsed.data);
  return new TributaryError('COORDINATOR_UNREACHABLE', { detail: `HTTP ${response.status} from something else` });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  const { cause } = error;
  if (!(cause instanceof Error)) return error.name;
  return 'code' in cause ? String(cause.code) : cause.message;
}
