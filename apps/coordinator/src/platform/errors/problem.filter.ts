import type { ServerResponse } from 'node:http';
import { Catch, HttpException, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { ERRORS, TributaryError, toProblem, type ErrorCode } from '@tributary/protocol';
import { LOGGER, type Logger } from '../logging/logger.js';
import { errnoOf } from './errno.js';
import { correlationIdOf, type CorrelatedRequest } from './correlation.js';

const CODE_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'REQUEST_INVALID',
  404: 'ROUTE_NOT_FOUND',
  405: 'ROUTE_NOT_FOUND',
  413: 'REQUEST_TOO_LARGE',
  415: 'REQUEST_INVALID',
};
const NO_SPACE = ['ENOSPC', 'EDQUOT'];

/** Every HTTP error leaves through here as a `Problem` with the request's correlation id. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<CorrelatedRequest>();
    const response = host.switchToHttp().getResponse<ServerResponse>();
    const known = toTributaryError(error);
    const correlationId = correlationIdOf(request);
    const facts = { correlationId, code: known.code, method: request.method, route: request.url?.split('?')[0] };
    if (known.spec.status >= 500) this.logger.error({ ...facts, err: error }, known.message);
    else this.logger.info(facts, known.message);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.statusCode = known.spec.status;
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(JSON.stringify(toProblem(known, correlationId)));
  }
}

/** Any thrown value as an error of the catalogue; what nobody foresaw is INTERNAL. */
export function toTributaryError(error: unknown): TributaryError {
  if (error instanceof TributaryError) return error;
  const code = codeOf(error);
  const detail = ERRORS[code].status < 500 && error instanceof Error ? error.message : undefined;
  return new TributaryError(code, detail === undefined ? {} : { detail }, { cause: error });
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof HttpException) return CODE_BY_STATUS[error.getStatus()] ?? 'INTERNAL';
  if (typeof error !== 'object' || error === null) return 'INTERNAL';
  if (NO_SPACE.includes(errnoOf(error) ?? '')) return 'DISK_FULL';
  // The body parser's errors carry a status: malformed JSON, wrong charset, too large.
  if ('statusCode' in error && typeof error.statusCode === 'number')
    return CODE_BY_STATUS[error.statusCode] ?? 'INTERNAL';
  return 'INTERNAL';
}
