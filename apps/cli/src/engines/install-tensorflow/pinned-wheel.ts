import { hashFile } from '@tributary/federation/vectors/file-hash';
import { TributaryError } from '@tributary/protocol/errors';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { wheelPrefix, type PinnedWheel } from './installation-plan.js';
import type { RunTool, ToolOptions } from './tool.js';

/** @throws TributaryError ENGINE_WHEEL_MISMATCH when the file is not the pinned wheel, or cannot be read. */
export async function checkWheel(file: string, { name, version, sha256 }: PinnedWheel): Promise<void> {
  const found = await sha256OfFile(file).catch((cause: unknown) => {
    throw new TributaryError('ENGINE_WHEEL_MISMATCH', { detail: 'the wheel cannot be read' }, { cause });
  });
  if (found === sha256) return;
  const detail = `the wheel's SHA-256 is ${found}; ${name} ${version} for x86_64 Linux has ${sha256}`;
  throw new TributaryError('ENGINE_WHEEL_MISMATCH', { detail });
}

export interface Pip {
  readonly run: RunTool;
  readonly python: string;
  readonly options: ToolOptions;
}

/** The wheel is one for Python 3.11, whatever Python downloads it: only its libraries are used. */
const WHEEL_TAGS = ['--python-version', '3.11', '--implementation', 'cp', '--abi', 'cp311'];
const WHEEL_PLATFORM = ['--platform', 'manylinux_2_27_x86_64'];

/** The pinned wheel in `folder`: one that is there already, else pip's download from the index that pip is set up for. */
export async function fetchWheel(pip: Pip, wheel: PinnedWheel, folder: string): Promise<string> {
  const kept = await findWheel(folder, wheel);
  if (kept !== undefined && (await sha256OfFile(kept)) === wheel.sha256) return kept;
  if (kept !== undefined) await rm(kept);
  const requirement = `${wheel.name}==${wheel.version} --hash=sha256:${wheel.sha256}\n`;
  await pipDownload(pip, folder, { requirement, args: ['--require-hashes', ...WHEEL_TAGS, ...WHEEL_PLATFORM] });
  const file = await findWheel(folder, wheel);
  if (file === undefined) throw new TributaryError('ENGINE_DOWNLOAD_FAILED', { detail: 'pip left no wheel' });
  return file;
}

/** NVIDIA's libraries for this Python's own platform; they carry no Python code. Returns the wheels' files. */
export async function fetchCudaWheels(pip: Pip, requirements: readonly string[], folder: string): Promise<string[]> {
  await pipDownload(pip, folder, { requirement: `${requirements.join('\n')}\n`, args: [] });
  const names = await readdir(folder);
  return names.filter((name) => name.startsWith('nvidia_') && name.endsWith('.whl')).map((name) => join(folder, name));
}

async function findWheel(folder: string, wheel: PinnedWheel): Promise<string | undefined> {
  await mkdir(folder, { recursive: true });
  const name = (await readdir(folder)).find((file) => file.startsWith(wheelPrefix(wheel)) && file.endsWith('.whl'));
  return name === undefined ? undefined : join(folder, name);
}

async function pipDownload(
  { run, python, options }: Pip,
  folder: string,
  { requirement, args }: { readonly requirement: string; readonly args: readonly string[] },
): Promise<void> {
  const requirements = join(folder, 'requirements.txt');
  await writeFile(requirements, requirement);
  const common = ['-m', 'pip', 'download', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  const { isDone, lastLines } = await run(python, [...common, ...args, '-r', requirements, '-d', folder], options);
  if (isDone) return;
  if (/do not match the hashes/i.test(lastLines))
    throw new TributaryError('ENGINE_WHEEL_MISMATCH', { detail: lastLines });
  if (/no space left/i.test(lastLines)) throw new TributaryError('DISK_FULL', { detail: lastLines });
  throw new TributaryError('ENGINE_DOWNLOAD_FAILED', { detail: lastLines });
}

async function sha256OfFile(file: string): Promise<string> {
  return (await hashFile(file)).digest('hex');
}
