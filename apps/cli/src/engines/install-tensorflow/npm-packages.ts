import { TributaryError } from '@tributary/protocol/errors';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstallationPlan } from './installation-plan.js';
import type { RunTool, ToolOptions } from './tool.js';

/**
 * Installs tfjs-node's JavaScript and sources with npm, from the registry that npm is set up for, without the package's
 * own install script. Of the whole of tfjs, which it asks for, it needs the core only.
 *
 * @throws TributaryError ENGINE_DOWNLOAD_FAILED with npm's last lines.
 */
export async function installPackages(
  folder: string,
  { packageName, packageVersion, headersVersion }: InstallationPlan,
  { run, options }: { readonly run: RunTool; readonly options: ToolOptions },
): Promise<void> {
  const manifest = {
    private: true,
    dependencies: { [packageName]: packageVersion, 'node-api-headers': headersVersion },
    overrides: { '@tensorflow/tfjs': `npm:@tensorflow/tfjs-core@${packageVersion}` },
  };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest, null, 2));
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder];
  const { isDone, lastLines } = await run('npm', args, { ...options, cwd: folder });
  if (isDone) return;
  if (/ENOSPC/.test(lastLines)) throw new TributaryError('DISK_FULL', { detail: lastLines });
  throw new TributaryError('ENGINE_DOWNLOAD_FAILED', { detail: lastLines });
}
