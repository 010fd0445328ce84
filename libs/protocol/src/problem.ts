import { z } from 'zod';
import { ERRORS, TributaryError, isErrorCode, type ErrorCode, type FieldProblem } from './errors.js';
import { textFaults } from './text-faults.js';

/** Body of every HTTP error and of every refused socket message. */
export const problemSchema = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  retryable: z.boolean(),
  fields: z.array(z.object({ path: z.string(), expected: z.string() })).optional(),
  correlationId: z.string().optional(),
  context: z.record(z.string(), z.unknown()).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** Turns an error into the body that a caller may see. Anything but a `TributaryError` becomes `INTERNAL` without detail. */
export function toProblem(error: unknown, correlationId?: string): Problem {
  const known = error instanceof TributaryError ? error : new TributaryError('INTERNAL');
  const { detail: _detail, fields, ...context } = known.context;
  return {
    code: known.code,
    message: known.message,
    remedy: known.spec.remedy,
    retryable: known.spec.retryable,
    ...(fields === undefined ? {} : { fields: [...fields] }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(Object.keys(context).length === 0 ? {} : { context }),
  };
}

/** Turns a received body back into an error; an unknown code (a newer peer) becomes `INTERNAL`. */
export function fromProblem(problem: Problem): TributaryError {
  const code: ErrorCode = isErrorCode(problem.code) ? problem.code : 'INTERNAL';
  const prefix = `${ERRORS[code].text}: `;
  const detail = problem.message.startsWith(prefix) ? problem.message.slice(prefix.length) : undefined;
  return new TributaryError(code, { ...problem.context, detail, fields: problem.fields });
}

/** The fields that a zod error names, in the form of the error catalogue. */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.map((issue) => ({ path: issue.path.map(String).join('.') || '(root)', expected: issue.message }));
}

/** The first fields in one line, as a message of `parseOrThrow` names them. */
export function fieldsText(fields: readonly FieldProblem[]): string {
  return fields
    .slice(0, 5)
    .map(({ path, expected }) => `${path}: ${expected}`)
    .join('; ');
}

/**
 * Parses `value` or throws a coded error that names each wrong field, also one whose text cannot be kept.
 *
 * @throws TributaryError with `code`, its `fields` filled.
 */
export function parseOrThrow<S extends z.ZodType>(schema: S, value: unknown, code: ErrorCode): z.infer<S> {
  const parsed = schema.safeParse(value);
  const fields = parsed.success ? textFaults(parsed.data) : fieldProblems(parsed.error);
  if (parsed.success && fields.length === 0) return parsed.data;
  throw new TributaryError(code, { detail: fieldsText(fields), fields });
}
