import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CANDIDATES = ['python3', 'python'];

/**
 * A Python that can import torch and diffusers.
 *
 * @param asked Tried instead of the Pythons on the PATH.
 * @returns its command, or undefined where there is none.
 */
export async function pythonWithDiffusers(asked?: string): Promise<string | undefined> {
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
