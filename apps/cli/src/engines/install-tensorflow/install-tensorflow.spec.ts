import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADDON_SOURCE, addonRevision, tensorflowInstallation } from '@tributary/engines/tensorflow/installation';
import { compilerArguments } from './build-addon.js';
import { installTensorflow, type InstallHost } from './install-tensorflow.js';
import { installationPlan, placeOfCudaFile, placeOfWheelFile, wheelPrefix } from './installation-plan.js';
import { checkWheel } from './pinned-wheel.js';
import type { ToolResult } from './tool.js';

const PLAN = installationPlan({ isCuda: false });
const LINUX = { os: 'linux', architecture: 'x64', glibc: '2.36' };

const done = (stdout = ''): ToolResult => ({ isDone: true, stdout, lastLines: stdout });
const failed = (lastLines: string): ToolResult => ({ isDone: false, stdout: '', lastLines });

/** A machine whose programs all work, but for what `answers` says of a command line. */
function machine(answers: readonly (readonly [RegExp, ToolResult])[], changes: Partial<InstallHost> = {}) {
  const calls: string[] = [];
  const host: InstallHost = {
    run: (command, args) => {
      const line = [command, ...args].join(' ');
      calls.push(line);
      return Promise.resolve(answers.find(([pattern]) => pattern.test(line))?.[1] ?? done());
    },
    env: {},
    platform: LINUX,
    signal: new AbortController().signal,
    note: () => undefined,
    ...changes,
  };
  return { host, calls };
}

async function emptyFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tributary-engine-'));
}

describe('installing the tensorflow engine', () => {
  const refusals = [
    [
      'another system',
      [],
      { platform: { os: 'darwin', architecture: 'arm64', glibc: undefined } },
      'ENGINE_PLATFORM_UNSUPPORTED',
    ],
    ['Linux without glibc', [], { platform: { ...LINUX, glibc: undefined } }, 'ENGINE_PLATFORM_UNSUPPORTED'],
    ['no compiler', [[/^g\+\+/, failed('not found')]], {}, 'ENGINE_COMPILER_MISSING'],
    ['no pip', [[/-m pip --version/, failed('No module named pip')]], {}, 'ENGINE_PYTHON_MISSING'],
    ['no network', [[/pip download/, failed('Temporary failure in name resolution')]], {}, 'ENGINE_DOWNLOAD_FAILED'],
    [
      'a wheel that the index has changed',
      [[/pip download/, failed('THESE PACKAGES DO NOT MATCH THE HASHES')]],
      {},
      'ENGINE_WHEEL_MISMATCH',
    ],
    ['a disk that pip fills', [[/pip download/, failed('No space left on device')]], {}, 'DISK_FULL'],
  ] as const;

  it.each(refusals)(
    'meets %s with one code, and leaves nothing that counts as installed',
    async (_, answers, changes, code) => {
      const folder = join(await emptyFolder(), 'tensorflow');
      const { host } = machine(answers, changes);
      await expect(installTensorflow({ folder, plan: PLAN }, host)).rejects.toMatchObject({ code });
      expect(tensorflowInstallation(folder)).toMatchObject({ isInstalled: false });
    },
  );

  it('refuses a disk that is too small before it downloads anything', async () => {
    const folder = await emptyFolder();
    const { host, calls } = machine([]);
    const plan = { ...PLAN, diskBytes: Number.MAX_SAFE_INTEGER };
    await expect(installTensorflow({ folder, plan }, host)).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(calls.filter((line) => line.includes('download'))).toEqual([]);
  });

  it('refuses a given wheel that is another, and asks for no Python then', async () => {
    const folder = await emptyFolder();
    const wheel = join(folder, 'other.whl');
    await writeFile(wheel, 'another wheel');
    const { host, calls } = machine([]);
    const refusal = installTensorflow({ folder, plan: PLAN, wheel }, host);
    await expect(refusal).rejects.toMatchObject({ code: 'ENGINE_WHEEL_MISMATCH' });
    expect(calls).toEqual(['g++ --version']);
  });

  it('downloads a wheel again that is kept but damaged', async () => {
    const folder = await emptyFolder();
    const name = `${wheelPrefix(PLAN.wheel)}cp311-cp311-manylinux_2_27_x86_64.whl`;
    await mkdir(join(folder, 'downloads'));
    await writeFile(join(folder, 'downloads', name), 'half a wheel');
    const { host, calls } = machine([[/pip download/, failed('offline')]]);
    await expect(installTensorflow({ folder, plan: PLAN }, host)).rejects.toMatchObject({
      code: 'ENGINE_DOWNLOAD_FAILED',
    });
    expect(calls.some((line) => line.includes('pip download'))).toBe(true);
    expect(await readdir(join(folder, 'downloads'))).toEqual(['requirements.txt']);
  });

  it('finds an installation complete without starting a program', async () => {
    const folder = await emptyFolder();
    const stamp = { packageName: PLAN.packageName, wheelSha256: PLAN.wheel.sha256, addonRevision: addonRevision() };
    await writeFile(join(folder, 'installed.json'), JSON.stringify(stamp));
    const { host, calls } = machine([]);
    expect(await installTensorflow({ folder, plan: PLAN }, host)).toBeUndefined();
    expect(calls).toEqual([]);
    const cuda = installTensorflow(
      { folder, plan: installationPlan({ isCuda: true }) },
      machine([[/^g\+\+/, failed('')]]).host,
    );
    await expect(cuda).rejects.toMatchObject({ code: 'ENGINE_COMPILER_MISSING' });
  });
});

describe('the pieces of the installation', () => {
  it('hash files as SHA-256 does (FIPS 180-2, appendix B.1)', async () => {
    const file = join(await emptyFolder(), 'abc');
    await writeFile(file, 'abc');
    const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    await expect(checkWheel(file, { ...PLAN.wheel, sha256 })).resolves.toBeUndefined();
    await expect(checkWheel(file, PLAN.wheel)).rejects.toMatchObject({ code: 'ENGINE_WHEEL_MISMATCH' });
  });

  it('take two libraries and the headers from the wheels', () => {
    expect(placeOfWheelFile('tensorflow/libtensorflow_cc.so.2')).toBe('lib/libtensorflow_cc.so.2');
    expect(placeOfWheelFile('tensorflow/include/tensorflow/c/c_api.h')).toBe('include/tensorflow/c/c_api.h');
    expect(placeOfWheelFile('tensorflow/include/Eigen/Core')).toBeUndefined();
    expect(placeOfWheelFile('tensorflow/python/ops.py')).toBeUndefined();
    expect(placeOfCudaFile('nvidia/cudnn/lib/libcudnn.so.9')).toBe('nvidia/cudnn/lib/libcudnn.so.9');
    expect(placeOfCudaFile('nvidia/cudnn/include/cudnn.h')).toBeUndefined();
  });

  it('compile our source, which the package carries', () => {
    expect(existsSync(ADDON_SOURCE)).toBe(true);
    const args = compilerArguments('/engine', '@tensorflow/tfjs-node', '/engine/out.node');
    expect(args).toContain(ADDON_SOURCE);
    expect(args).toContain('/engine/node_modules/@tensorflow/tfjs-node/binding/tfjs_backend.cc');
  });
});
