import { EXIT_CODES } from '@tributary/protocol/exit-codes';
import { spawn } from 'node:child_process';
import { z } from 'zod';
import type { Action, CommandContext, VerbInput } from '../command-context.js';
import { ExitWith } from '../exit-with.js';
import { AGENT_MAIN, COORDINATOR_ALLOCATOR, COORDINATOR_MAIN, LASTING_PROGRAM_FLAGS } from './app-paths.js';

const optionsSchema = z.record(z.string(), z.union([z.string(), z.boolean()]));

/** A verb of the coordinator's own program, started with the same arguments. */
export function coordinatorVerb(verb: string): Action {
  return (context, input) =>
    passThrough(context, {
      main: COORDINATOR_MAIN,
      args: [verb, ...argumentsOf(context, input)],
      env: COORDINATOR_ALLOCATOR,
    });
}

/** A verb of the agent's own program, started with the same arguments. */
export function agentVerb(verb: string): Action {
  return (context, input) => {
    const url = context.global.url ?? context.host.env['TRIBUTARY_URL'];
    const address = verb === 'enroll' && url !== undefined ? ['--url', url] : [];
    return passThrough(context, { main: AGENT_MAIN, args: [verb, ...argumentsOf(context, input), ...address] });
  };
}

function argumentsOf({ global }: CommandContext, input: VerbInput): string[] {
  const flags = Object.entries(optionsSchema.parse(input.options)).flatMap(([name, value]) => {
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (typeof value === 'string') return [flag, value];
    return value ? [flag] : [];
  });
  const format = global.format === 'text' ? [] : ['--format', global.format];
  return [...input.arguments, ...flags, ...format];
}

interface Program {
  readonly main: string;
  readonly args: readonly string[];
  /** Where the command's own environment says nothing else. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the program on this process's own streams and ends as it ends. */
async function passThrough(context: CommandContext, { main, args, env }: Program): Promise<void> {
  const child = spawn(process.execPath, [...LASTING_PROGRAM_FLAGS, main, ...args], {
    stdio: 'inherit',
    env: { ...env, ...process.env },
  });
  const stop = (): void => void child.kill('SIGTERM');
  context.host.signal.addEventListener('abort', stop, { once: true });
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? EXIT_CODES.interrupted));
  });
  context.host.signal.removeEventListener('abort', stop);
  if (exitCode !== EXIT_CODES.done) throw new ExitWith(exitCode);
}
