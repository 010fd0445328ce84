import { TributaryError } from '@tributary/protocol/errors';
import { execFile } from 'node:child_process';

const OUTPUT_BYTES = 2 ** 24;
const SHOWN_LINES = 8;

/** What a program of this machine ended with. */
export interface ToolResult {
  readonly isDone: boolean;
  readonly stdout: string;
  /** The last lines that it printed, for messages. */
  readonly lastLines: string;
}

export interface ToolOptions {
  readonly cwd?: string;
  readonly signal: AbortSignal;
}

/** Runs a program of this machine to its end; tests hand in their own. */
export type RunTool = (command: string, args: readonly string[], options: ToolOptions) => Promise<ToolResult>;

/** npm tells its scripts which package they run for; an npm that they start would believe itself there. */
function environment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_(config_local_prefix|package_)/.test(name));
  return Object.fromEntries(inherited);
}

/** @throws TributaryError INTERRUPTED by the signal. A program that is not there is one that failed. */
export const runTool: RunTool = (command, args, { cwd, signal }) =>
  new Promise((resolve, reject) => {
    const options = { cwd, signal, maxBuffer: OUTPUT_BYTES, env: environment() };
    execFile(command, args, options, (error, stdout, stderr) => {
      const printed = `${stdout}\n${stderr}`.trim().split('\n').slice(-SHOWN_LINES).join('\n');
      if (signal.aborted) reject(new TributaryError('INTERRUPTED'));
      else resolve({ isDone: error === null, stdout, lastLines: printed || (error?.message ?? '') });
    });
  });
