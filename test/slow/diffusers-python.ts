import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

const ENVIRONMENT = join(import.meta.dirname, '../../node_modules/.cache/diffusers-venv');
const PACKAGES = ['torch==2.15.0', 'diffusers==0.42.1', 'safetensors', 'numpy'];
const INSTALL_LIMIT_MS = 20 * 60_000;

/**
 * A Python that has diffusers: `DIFFUSERS_PYTHON`, `python3`, or an environment made from PyPI (5 GB). Undefined, with the
 * reason on stderr, where none can be had.
 */
export async function findDiffusersPython(): Promise<string | undefined> {
  const candidates = [process.env['DIFFUSERS_PYTHON'], 'python3', join(ENVIRONMENT, 'bin/python')];
  for (const candidate of candidates) {
    if (candidate !== undefined && (await hasDiffusers(candidate))) return candidate;
  }
  try {
    await run('python3', ['-m', 'venv', ENVIRONMENT], { timeout: INSTALL_LIMIT_MS });
    const python = join(ENVIRONMENT, 'bin/python');
    await run(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { timeout: INSTALL_LIMIT_MS });
    return python;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    process.stderr.write(`skipped: no Python with ${PACKAGES.join(', ')} could be set up: ${reason}\n`);
    return undefined;
  }
}

async function hasDiffusers(python: string): Promise<boolean> {
  try {
    await run(python, ['-c', 'import torch, diffusers, safetensors']);
    return true;
  } catch {
    return false;
  }
}

/** Runs a script with a JSON document on stdin; gives the numbers that it prints. */
export async function runPython(
  python: string | undefined,
  parameters: readonly string[],
  request: unknown,
): Promise<number[]> {
  if (python === undefined) throw new Error('there is no Python to run');
  const child = run(python, [...parameters], { maxBuffer: 1 << 28 });
  child.child.stdin?.end(JSON.stringify(request));
  return z.array(z.number()).parse(JSON.parse((await child).stdout));
}
