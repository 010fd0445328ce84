import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request that {@link assignCorrelationId} has seen. */
export interface CorrelatedRequest extends IncomingMessage {
  correlationId?: string;
}

export const CORRELATION_HEADER = 'x-correlation-id';

/** Middleware: a fresh id for each request, sent back with the answer and written with every log line about it. */
export function assignCorrelationId(request: CorrelatedRequest, response: ServerResponse, next: () => void): void {
  response.setHeader(CORRELATION_HEADER, correlationIdOf(request));
  next();
}

/** The id that a request has in the log and in its problem; drawn when it is asked for first. */
export function correlationIdOf(request: CorrelatedRequest): string {
  request.correlationId ??= randomUUID();
  return request.correlationId;
}
