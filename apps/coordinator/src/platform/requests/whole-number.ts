import { z } from 'zod';

/** As many as a number holds without rounding, whatever they are. */
const DIGITS = /^\d{1,15}$/;

/**
 * A whole number in a path or a query: decimal digits, and nothing that JavaScript would read as a number besides, such as
 * spaces (0) or `0x10` (16).
 */
export function wholeNumber(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  const digits = z.string(expected).regex(DIGITS, { error: expected, abort: true });
  return digits.pipe(z.coerce.number<string>().min(min, expected).max(max, expected));
}
