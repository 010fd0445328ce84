import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { TributaryError } from '@tributary/protocol/errors';
import { z } from 'zod';

/** The first line of a contender. */
export const readySchema = z.object({
  /** Name and version of what is timed. */
  version: z.string(),
  parameters: z.int(),
  /** Time from the program to the first step that could run. */
  compileMs: z.number().optional(),
});

/** Its answer to every line that it is sent. */
export const measurementSchema = z.object({ ms: z.number(), peakRssMiB: z.number() });

export type Ready = z.infer<typeof readySchema>;
export type Measurement = z.infer<typeof measurementSchema>;

/** Something that is timed in a process of its own, so that its memory is its own. */
export interface Contender extends Ready {
  readonly name: string;
  /** Milliseconds of one run, and the largest memory of the process so far. */
  measure(): Promise<Measurement>;
  close(): Promise<void>;
}

export interface ContenderProgram {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * Starts a program that prints a `Ready` line, then a `Measurement` line for every line on its standard input, and ends with it.
 *
 * @throws TributaryError PROCESS_ENDED with the last line of its complaints.
 */
export async function startContender({ name, command, args }: ContenderProgram): Promise<Contender> {
  const child = spawn(command, args);
  let complaints = '';
  child.stderr.on('data', (text: Buffer) => (complaints = (complaints + text.toString()).slice(-1000)));
  child.once('error', (error) => (complaints = error.message));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<unknown> => {
    const next = await lines.next();
    if (next.done !== true) return JSON.parse(next.value);
    const reason = complaints.trim().split('\n').at(-1) ?? '';
    throw new TributaryError('PROCESS_ENDED', { detail: `${name}: ${reason}` });
  };
  return {
    name,
    ...readySchema.parse(await nextLine()),
    measure: async () => {
      child.stdin.write('measure\n');
      return measurementSchema.parse(await nextLine());
    },
    close: () => end(child),
  };
}

async function end(child: ChildProcessWithoutNullStreams): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdin.end();
  if (child.exitCode === null) await ended;
}
