import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);

const CACHE = join(import.meta.dirname, '../../node_modules/.cache');
const INSTALL_LIMIT_MS = 20 * 60_000;

/** What a test wants of Python. */
export interface PythonNeeds {
  /** Environment variable that may name a Python which has it all. */
  readonly variable: string;
  /** Names to import. */
  readonly modules: readonly string[];
  /** What pip is asked for when no Python has the modules. */
  readonly packages: readonly string[];
  /** Where pip puts it, in the project's cache. */
  readonly environment: string;
}

/** PyTorch and diffusers; 5 GB. */
export const DIFFUSERS: PythonNeeds = {
  variable: 'DIFFUSERS_PYTHON',
  modules: ['torch', 'diffusers', 'safetensors'],
  packages: ['torch==2.15.0', 'diffusers==0.42.1', 'safetensors', 'numpy'],
  environment: 'diffusers-venv',
};

/** ONNX Runtime of the version that is used in Node; 100 MB. */
export const ONNX_RUNTIME: PythonNeeds = {
  variable: 'ONNX_RUNTIME_PYTHON',
  modules: ['onnxruntime', 'numpy'],
  packages: ['onnxruntime==1.30.0', 'numpy'],
  environment: 'onnx-runtime-venv',
};

/**
 * A Python that has what is needed: the one that the variable names, `python3`, or an environment made from PyPI. Undefined,
 * with the reason on stderr, where none can be had.
 */
export async function findPython({
  variable,
  modules,
  packages,
  environment,
}: PythonNeeds): Promise<string | undefined> {
  const folder = join(CACHE, environment);
  const python = join(folder, 'bin/python');
  for (const candidate of [process.env[variable], 'python3', python]) {
    if (candidate !== undefined && (await hasModules(candidate, modules))) return candidate;
  }
  try {
    await run('python3', ['-m', 'venv', folder], { timeout: INSTALL_LIMIT_MS });
    await run(python, ['-m', 'pip', 'install', '--quiet', ...packages], { timeout: INSTALL_LIMIT_MS });
    return python;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    process.stderr.write(`skipped: no Python with ${packages.join(', ')} could be set up: ${reason}\n`);
    return undefined;
  }
}

async function hasModules(python: string, modules: readonly string[]): Promise<boolean> {
  try {
    await run(python, ['-c', `import ${modules.join(', ')}`]);
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
