import { TributaryError, type ErrorCode } from '@tributary/protocol/errors';
import { parseOrThrow } from '@tributary/protocol/problem';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import type { z } from 'zod';
import type { CommandContext } from './command-context.js';

const fileOptionOf = (options: unknown): string | undefined =>
  typeof options === 'object' && options !== null && 'file' in options && typeof options.file === 'string'
    ? options.file
    : undefined;

/**
 * Reads the YAML or JSON file of `--file` and holds it to a schema.
 *
 * @param code The error of a file that can be read but does not fit.
 * @throws TributaryError INPUT_FILE_INVALID when it cannot be read or parsed, else `code` naming each wrong field.
 */
export async function readInputFile<S extends z.ZodType>(
  context: CommandContext,
  options: unknown,
  { schema, code }: { readonly schema: S; readonly code: ErrorCode },
): Promise<z.infer<S>> {
  const name = fileOptionOf(options) ?? '';
  let value: unknown;
  try {
    value = parse(await readFile(resolve(context.host.cwd, name), 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    const fields = [{ path: '--file', expected: 'a readable YAML or JSON file' }];
    throw new TributaryError('INPUT_FILE_INVALID', { detail: reason, fields });
  }
  return parseOrThrow(schema, value, code);
}
