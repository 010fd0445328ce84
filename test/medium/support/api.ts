import { problemSchema, type Problem } from '@tributary/protocol';
import { z } from 'zod';

/** An answer that is not a success. */
export class ApiRefusal extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(`${status} ${problem.code}: ${problem.message}`);
  }
}

/** The coordinator's HTTP interface as one caller sees it. */
export class Api {
  constructor(
    readonly url: string,
    private readonly bearer?: string,
  ) {}

  get<S extends z.ZodType>(path: string, schema: S): Promise<z.infer<S>> {
    return this.send('GET', path, schema);
  }

  post<S extends z.ZodType>(path: string, schema: S, body: unknown = {}): Promise<z.infer<S>> {
    return this.send('POST', path, schema, body);
  }

  /** The raw answer, whatever it is. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.bearer !== undefined) headers.set('authorization', `Bearer ${this.bearer}`);
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  async bytes(path: string, headers: Record<string, string> = {}): Promise<Buffer> {
    const response = await this.fetch(path, { headers });
    if (!response.ok) throw await refusal(response);
    return Buffer.from(await response.arrayBuffer());
  }

  /** The problem that a request is refused with; fails when it is not refused. */
  async refusal(path: string, init: RequestInit = {}): Promise<{ status: number; code: string; problem: Problem }> {
    const response = await this.fetch(path, init);
    if (response.ok) throw new Error(`${path} was not refused: ${response.status}`);
    const { status, problem } = await refusal(response);
    return { status, code: problem.code, problem };
  }

  private async send<S extends z.ZodType>(
    method: string,
    path: string,
    schema: S,
    body?: unknown,
  ): Promise<z.infer<S>> {
    const init =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await this.fetch(path, { method, ...init });
    if (!response.ok) throw await refusal(response);
    return schema.parse(await response.json());
  }
}

async function refusal(response: Response): Promise<ApiRefusal> {
  return new ApiRefusal(response.status, problemSchema.parse(await response.json()));
}

export function jsonBody(value: unknown): RequestInit {
  return { method: 'POST', body: JSON.stringify(value), headers: { 'content-type': 'application/json' } };
}
