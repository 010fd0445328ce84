import { TributaryError } from '@tributary/protocol/errors';
import {
  addonRevision,
  type InstallationStamp,
  STAMP_FILE,
  tensorflowInstallation,
} from '@tributary/engines/tensorflow/installation';
import { mkdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../output/quantities.js';
import { writeWholeFile } from '../../whole-file.js';
import { buildAddon, tryAddon, type Trial } from './build-addon.js';
import { findCompiler, findPython, requirePlatform, type Platform } from './host-tools.js';
import { placeOfCudaFile, placeOfWheelFile, type InstallationPlan } from './installation-plan.js';
import { installPackages } from './npm-packages.js';
import { checkWheel, fetchCudaWheels, fetchWheel, type Pip } from './pinned-wheel.js';
import type { RunTool, ToolOptions } from './tool.js';
import { unpackWheel } from './unpack-wheel.js';

export interface InstallRequest {
  readonly folder: string;
  readonly plan: InstallationPlan;
  /** A wheel that is on this machine already. */
  readonly wheel?: string;
}

/** What the installation needs of the machine. */
export interface InstallHost {
  readonly run: RunTool;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: Platform;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
}

/** Undefined when it was all there already. */
export type InstallResult = Trial | undefined;

/**
 * Sets up the tensorflow engine below `folder`. What an interrupted installation has downloaded is used again.
 *
 * @throws TributaryError with one code for each missing part: ENGINE_PLATFORM_UNSUPPORTED, ENGINE_COMPILER_MISSING,
 *   ENGINE_PYTHON_MISSING, ENGINE_DOWNLOAD_FAILED, ENGINE_WHEEL_MISMATCH, ENGINE_BUILD_FAILED, DISK_FULL.
 */
export async function installTensorflow(request: InstallRequest, host: InstallHost): Promise<InstallResult> {
  const { folder, plan } = request;
  const wanted = stampOf(plan);
  const existing = tensorflowInstallation(folder);
  if (existing.isInstalled && JSON.stringify(existing.stamp) === JSON.stringify(wanted)) return undefined;
  requirePlatform(host.platform);
  await mkdir(folder, { recursive: true });
  await rm(join(folder, STAMP_FILE), { force: true });
  const options: ToolOptions = { signal: host.signal };
  const compiler = await findCompiler(host.run, host.env, options);
  await requireDisk(folder, plan.diskBytes);
  await unpackLibraries(request, host, options);
  host.note(`Installing ${plan.packageName} ${plan.packageVersion} with npm, without its install script`);
  await installPackages(folder, plan, { run: host.run, options });
  host.note(`Compiling the addon with ${compiler}`);
  await buildAddon(folder, { run: host.run, compiler, packageName: plan.packageName, options });
  const trial = await tryAddon(folder, host.run, options);
  await writeWholeFile(join(folder, STAMP_FILE), JSON.stringify(wanted));
  await rm(join(folder, 'downloads'), { recursive: true, force: true });
  return trial;
}

function stampOf({ packageName, wheel }: InstallationPlan): InstallationStamp {
  return { packageName, wheelSha256: wheel.sha256, addonRevision: addonRevision() };
}

async function requireDisk(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  const detail = `${formatBytes(neededBytes)} are needed, ${formatBytes(freeBytes)} are free`;
  throw new TributaryError('DISK_FULL', { detail });
}

async function unpackLibraries(
  { folder, plan, wheel }: InstallRequest,
  { run, env, note }: InstallHost,
  options: ToolOptions,
): Promise<void> {
  const downloads = join(folder, 'downloads');
  const pip = async (): Promise<Pip> => ({ run, python: await findPython(run, env, options), options });
  if (wheel === undefined) {
    note(`Downloading ${plan.wheel.name} ${plan.wheel.version} with pip (${formatBytes(plan.wheel.sizeBytes)})`);
  }
  const file = wheel ?? (await fetchWheel(await pip(), plan.wheel, downloads));
  note('Checking its SHA-256');
  await checkWheel(file, plan.wheel);
  note('Unpacking libtensorflow');
  await unpackWheel(file, folder, placeOfWheelFile);
  if (plan.cudaRequirements.length === 0) return;
  note(`Downloading NVIDIA's libraries with pip (${plan.cudaRequirements.length} wheels, about 2.5 GB)`);
  for (const cudaWheel of await fetchCudaWheels(await pip(), plan.cudaRequirements, downloads)) {
    await unpackWheel(cudaWheel, folder, placeOfCudaFile);
  }
}
