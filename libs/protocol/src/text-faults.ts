import type { FieldProblem } from './errors.js';

const EXPECTED = 'text without the character NUL and without halves of surrogate pairs';
/** Far more than any message needs; what is nested by the ten thousands ends the stack of who reads it, and PostgreSQL's. */
const MOST_NESTED = 64;

/**
 * Places in a plain JSON value whose text no database keeps (PostgreSQL's `text` and `jsonb`: no NUL, only well-formed
 * Unicode), or that are nested deeper than anybody reads. zod lets them in; one such message would fail in the statement that
 * it shares with those of others.
 */
export function textFaults(value: unknown, path: readonly string[] = []): FieldProblem[] {
  if (typeof value === 'string') return isStorable(value) ? [] : [faultAt(path)];
  if (typeof value !== 'object' || value === null) return [];
  if (path.length === MOST_NESTED) return [faultAt(path, `no more than ${MOST_NESTED} levels of nesting`)];
  return Object.entries(value).flatMap(([key, inner]) =>
    isStorable(key) ? textFaults(inner, [...path, key]) : [faultAt(path)],
  );
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function faultAt(path: readonly string[], expected = EXPECTED): FieldProblem {
  return { path: path.join('.') || '(root)', expected };
}
