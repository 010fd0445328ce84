import { randomUUID } from 'node:crypto';
import { toProblem, type Ack } from '@tributary/protocol';
import { toTributaryError } from '../platform/errors/problem.filter.js';
import type { Logger } from '../platform/logging/logger.js';

/** Every message of a site is answered: with a value, or with a coded problem. */
export async function acknowledge<T>(logger: Logger, work: () => Promise<T>): Promise<Ack<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    const known = toTributaryError(error);
    const correlationId = randomUUID();
    if (known.spec.status >= 500) logger.error({ correlationId, err: error }, known.message);
    else logger.info({ correlationId, code: known.code }, known.message);
    return { ok: false, problem: toProblem(known, correlationId) };
  }
}
