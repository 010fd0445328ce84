import { TributaryError } from '@tributary/protocol/errors';
import { ADDON_FILE, ADDON_SOURCE, LIBRARY_FOLDER } from '@tributary/engines/tensorflow/installation';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunTool, ToolOptions } from './tool.js';

/** The addon is built from the sources in the npm package and one of ours, in one call of the compiler. */
export function compilerArguments(folder: string, packageName: string, output: string): string[] {
  const binding = join(folder, 'node_modules', packageName, 'binding');
  return [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-fno-access-control', '-DNAPI_VERSION=8'],
    `-I${join(folder, 'node_modules/node-api-headers/include')}`,
    `-I${join(folder, 'include')}`,
    `-I${binding}`,
    join(binding, 'tfjs_backend.cc'),
    ADDON_SOURCE,
    ...['-o', output, '-Wl,-z,lazy', '-ldl'],
  ];
}

export interface Build {
  readonly run: RunTool;
  readonly compiler: string;
  readonly packageName: string;
  readonly options: ToolOptions;
}

/** @throws TributaryError ENGINE_BUILD_FAILED with the compiler's last lines. */
export async function buildAddon(folder: string, { run, compiler, packageName, options }: Build): Promise<void> {
  const part = join(folder, `${ADDON_FILE}.part`);
  const { isDone, lastLines } = await run(compiler, compilerArguments(folder, packageName, part), options);
  if (!isDone) throw new TributaryError('ENGINE_BUILD_FAILED', { detail: lastLines });
  await rename(part, join(folder, ADDON_FILE));
}

/** Multiplies two matrices in a process of its own and prints what TensorFlow is and where it runs. */
const TRIAL = `
const [addon, libraries] = process.argv.slice(1);
const binding = require(addon).open(1, libraries);
const matrix = binding.createTensor([2, 2], binding.TF_FLOAT, Float32Array.of(1, 2, 3, 4));
const type = { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
const [product] = binding.executeOp('MatMul', [type], [matrix, matrix], 1);
if (binding.tensorDataSync(product.id).join() !== '7,10,15,22') throw new Error('a wrong matrix product');
console.log(binding.TF_Version + ' ' + (binding.isUsingGpuDevice() ? 'cuda' : 'cpu'));`;

/** What an installation turned out to be. */
export interface Trial {
  readonly version: string;
  readonly device: string;
}

/** Proves that the addon loads and computes. @throws TributaryError ENGINE_BUILD_FAILED when it does not. */
export async function tryAddon(folder: string, run: RunTool, options: ToolOptions): Promise<Trial> {
  const args = ['-e', TRIAL, join(folder, ADDON_FILE), join(folder, LIBRARY_FOLDER)];
  const { isDone, stdout, lastLines } = await run(process.execPath, args, options);
  if (!isDone) throw new TributaryError('ENGINE_BUILD_FAILED', { detail: lastLines });
  const [version = '', device = ''] = stdout.trim().split(' ');
  return { version, device };
}
