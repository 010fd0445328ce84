import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const root = resolve(import.meta.dirname, '../..');

/** A program of ours running as a real process, everything it says kept in a file. */
export interface Program {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<number | null>;
  stdout(): string;
}

/** What a program is started with beside its arguments. */
export interface ProgramSettings {
  readonly logFile: string;
  /** Added to the environment of this process. */
  readonly environment?: NodeJS.ProcessEnv;
  /** A command and its arguments that become the program, such as `ip netns exec NAME`. */
  readonly within?: readonly string[];
}

/** Starts a built program of this repository on the Node that runs the tests. */
export function startProgram(
  entry: string,
  args: readonly string[],
  { logFile, environment, within = [] }: ProgramSettings,
): Program {
  const [command, ...before] = [...within, process.execPath];
  const child = spawn(command, [...before, join(root, entry), ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    appendFileSync(logFile, chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    appendFileSync(logFile, chunk);
  });
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  if (child.pid === undefined) throw new Error(`${entry} did not start`);
  return { child, pid: child.pid, exited, stdout: () => stdout };
}

/** Runs a program to its end; what it printed and its exit code. */
export async function runProgram(
  entry: string,
  args: readonly string[],
  settings: ProgramSettings,
): Promise<{ code: number | null; stdout: string }> {
  const program = startProgram(entry, args, settings);
  const code = await program.exited;
  return { code, stdout: program.stdout() };
}

/** Process ids of the direct children of a process. */
export function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === 'object' ? done(address.port) : failed(new Error('no port')),
      );
    });
  });
}

/** Waits until `probe` gives a value; its last error is the reason of the failure after `timeoutMs`. */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let reason: unknown;
  while (Date.now() < deadline) {
    try {
      const value = await probe();
      if (value !== undefined) return value;
    } catch (error) {
      reason = error;
    }
    await sleep(50);
  }
  throw new Error(`waited ${timeoutMs} ms in vain: ${what}`, { cause: reason });
}
