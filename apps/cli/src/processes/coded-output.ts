import { TributaryError, isErrorCode } from '@tributary/protocol/errors';
import { jsonOrUndefined } from '@tributary/protocol/json-or-undefined';
import { fromProblem, problemSchema } from '@tributary/protocol/problem';

/** The last coded error that a program of ours has printed: as a JSON document, or as a line `CODE: message`. */
export function codedErrorIn(text: string): TributaryError | undefined {
  const whole = problemInJson(text);
  if (whole !== undefined) return whole;
  for (const line of text.split('\n').reverse()) {
    const error = problemInLine(line.trim()) ?? problemInJson(line);
    if (error !== undefined) return error;
  }
  return undefined;
}

function problemInLine(line: string): TributaryError | undefined {
  const [, code, message = ''] = /^([A-Z][A-Z_]{3,}): (.*)$/.exec(line) ?? [];
  return isErrorCode(code) ? fromProblem({ code, message, remedy: '', retryable: false }) : undefined;
}

function problemInJson(text: string): TributaryError | undefined {
  if (!text.includes('"code"')) return undefined;
  const value = jsonOrUndefined(text);
  const inner = typeof value === 'object' && value !== null && 'error' in value ? value.error : value;
  const parsed = problemSchema.safeParse(inner);
  return parsed.success ? fromProblem(parsed.data) : undefined;
}
