import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { CommandContext } from '../command-context.js';

const run = promisify(execFile);
const CANDIDATES = ['python3', 'python'];

/**
 * A Python that can import torch and diffusers.
 *
 * @param asked Tried instead of the Pythons on the PATH.
 * @returns its command, or undefined where there is none.
 */
async function pythonWithDiffusers(asked?: string): Promise<string | undefined> {
  for (const command of asked === undefined ? CANDIDATES : [asked]) {
    try {
      await run(command, ['-c', 'import torch, diffusers'], { env: { ...process.env, HF_HUB_OFFLINE: '1' } });
      return command;
    } catch {
      // Not there, or without the packages: the next one.
    }
  }
  return undefined;
}

/** The same, with advice where there is none. */
export async function peerPython({ output }: CommandContext, asked: string | undefined): Promise<string | undefined> {
  const python = await pythonWithDiffusers(asked);
  if (python === undefined) {
    output.note(
      'No Python with torch and diffusers: ours only. Have both: pip install torch diffusers, or --python PATH.',
    );
  }
  return python;
}
