import { readFile } from 'node:fs/promises';
import { parseOrThrow, TributaryError, type ErrorCode } from '@tributary/protocol';
import type { z } from 'zod';
import { errnoOf } from './errno.js';

/** The file's text, or undefined where there is no such file. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Reads and checks a JSON file.
 *
 * @returns undefined where there is no such file.
 * @throws TributaryError with `code` when the content is not JSON or does not fit the schema.
 */
export async function readJson<S extends z.ZodType>(
  path: string,
  schema: S,
  code: ErrorCode,
): Promise<z.infer<S> | undefined> {
  const text = await readIfPresent(path);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new TributaryError(code, { detail: 'not JSON' });
  }
  return parseOrThrow(schema, value, code);
}
