import { TributaryError } from '@tributary/protocol/errors';
import { fieldProblems, fieldsText } from '@tributary/protocol/problem';
import { z } from 'zod';

/** A whole number typed on the command line. */
export function wholeNumber(min: number, max: number): z.ZodType<number> {
  const expected = `a whole number from ${min} to ${max}`;
  const schema = z.coerce.number({ error: expected }).int({ error: expected }).min(min, expected).max(max, expected);
  return z.preprocess(decimal, schema);
}

/** A number typed on the command line. */
export function numberBetween(min: number, max: number): z.ZodType<number> {
  const expected = `a number from ${min} to ${max}`;
  return z.preprocess(decimal, z.coerce.number({ error: expected }).min(min, expected).max(max, expected));
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** `Number` would take nothing for 0 and `0x10` for 16. */
function decimal(typed: unknown): unknown {
  return typeof typed === 'string' && !DECIMAL.test(typed) ? NaN : typed;
}

/**
 * Holds what was typed to a schema.
 *
 * @throws TributaryError USAGE_INVALID naming each flag and what was expected.
 */
export function parseVerbOptions<S extends z.ZodType>(schema: S, options: unknown): z.infer<S> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const fields = fieldProblems(parsed.error).map(({ path, expected }) => ({ path: flagOf(path), expected }));
  throw new TributaryError('USAGE_INVALID', { detail: fieldsText(fields), fields });
}

/** The flag of a field, with the name of a setting; of a list's item, the list's. */
function flagOf(path: string): string {
  const [field = path, ...inner] = path.split('.');
  const names = inner.filter((name) => !/^\d+$/.test(name));
  return [`--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, ...names].join(' ');
}

/**
 * An argument that commander has made sure of.
 *
 * @throws TributaryError USAGE_INVALID when it is missing all the same.
 */
export function argumentAt(values: readonly string[], index: number, name: string): string {
  const value = values[index];
  if (value === undefined) throw new TributaryError('USAGE_INVALID', { detail: `the argument ${name} is missing` });
  return value;
}
