import { TributaryError } from '@tributary/protocol/errors';
import { jsonOrUndefined } from '@tributary/protocol/json-or-undefined';
import { parseOrThrow } from '@tributary/protocol/problem';
import { execFile } from 'node:child_process';
import type { z } from 'zod';
import { codedErrorIn } from './coded-output.js';

export interface RunProgramOptions<S extends z.ZodType> {
  /** What it is, for messages. */
  readonly title: string;
  /** The JSON document that it prints. */
  readonly schema: S;
  readonly signal: AbortSignal;
}

/**
 * Runs a Node program of ours to its end and reads the JSON document on its standard output.
 *
 * @throws TributaryError the program's own coded error, PROCESS_ENDED without one, INTERRUPTED by the signal.
 */
export async function runProgram<S extends z.ZodType>(
  main: string,
  args: readonly string[],
  { title, schema, signal }: RunProgramOptions<S>,
): Promise<z.infer<S>> {
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, [main, ...args], { signal }, (error, out, complaints) => {
      if (error === null) resolve(out);
      else if (signal.aborted) reject(new TributaryError('INTERRUPTED'));
      else
        reject(codedErrorIn(out) ?? codedErrorIn(complaints) ?? new TributaryError('PROCESS_ENDED', { detail: title }));
    });
  });
  return parseOrThrow(schema, jsonOrUndefined(stdout), 'PROTOCOL_VERSION');
}
