import type { FieldProblem } from './errors.js';

const EXPECTED = 'text without the character NUL and without halves of surrogate pairs';

/**
 * Places in a plain JSON value whose text no database keeps (PostgreSQL's `text` and `jsonb`: no NUL, only well-formed
 * Unicode). A zod string lets both in; one such message would fail in the statement that it shares with those of others.
 */
export function textFaults(value: unknown, path: readonly string[] = []): FieldProblem[] {
  if (typeof value === 'string') return isStorable(value) ? [] : [faultAt(path)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    isStorable(key) ? textFaults(inner, [...path, key]) : [faultAt(path)],
  );
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function faultAt(path: readonly string[]): FieldProblem {
  return { path: path.join('.') || '(root)', expected: EXPECTED };
}
