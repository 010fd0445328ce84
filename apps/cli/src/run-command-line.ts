import { TributaryError } from '@tributary/protocol/errors';
import { EXIT_CODES, exitCodeOf } from '@tributary/protocol/exit-codes';
import { CommanderError } from 'commander';
import { outputOf, type Host } from './command-context.js';
import { ExitWith } from './exit-with.js';
import { buildProgram, globalOptionsOf } from './program.js';
import { isSystemError } from './system-error.js';

/** What the system answers where a file or folder cannot be made: rights, or something else has the name. */
const NOT_WRITABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENAMETOOLONG'] as const;

/** Runs one command line and answers with its exit code; every failure is printed with its stable code, never a stack. */
export async function runCommandLine(args: readonly string[], host: Host): Promise<number> {
  const program = buildProgram(host);
  try {
    await program.parseAsync(args, { from: 'user' });
    return EXIT_CODES.done;
  } catch (error) {
    if (error instanceof ExitWith) return error.exitCode;
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT_CODES.done;
    const coded = codedError(error, host.signal);
    const { toProblem } = await import('@tributary/protocol/problem');
    outputOf(globalOptionsOf(program.opts()), host).failure(toProblem(coded));
    return exitCodeOf(coded.code);
  }
}

function codedError(error: unknown, signal: AbortSignal): TributaryError {
  if (error instanceof TributaryError) return error;
  if (signal.aborted) return new TributaryError('INTERRUPTED');
  // Commander has printed the verbs that there are.
  if (error instanceof CommanderError && error.code === 'commander.help') {
    return new TributaryError('USAGE_INVALID', { detail: 'a verb is missing' });
  }
  if (error instanceof CommanderError) {
    return new TributaryError('USAGE_INVALID', { detail: error.message.replace(/^error: /, '') });
  }
  if (isSystemError(error, 'ENOSPC')) return new TributaryError('DISK_FULL', {}, { cause: error });
  const notWritable = NOT_WRITABLE.find((code) => isSystemError(error, code));
  if (notWritable) return new TributaryError('DATA_DIR_NOT_WRITABLE', { detail: notWritable }, { cause: error });
  if (error instanceof RangeError || error instanceof TypeError) {
    return new TributaryError('INTERNAL', { detail: error.message }, { cause: error });
  }
  return new TributaryError('INTERNAL', {}, { cause: error });
}
