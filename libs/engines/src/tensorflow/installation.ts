import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const REPOSITORY = path.resolve(import.meta.dirname, '../../../..');

/** Written last by the installation: its presence means that everything before it is complete. */
export const STAMP_FILE = 'installed.json';
export const ADDON_FILE = 'tensorflow.node';
export const LIBRARY_FOLDER = 'lib';

const NATIVE = path.resolve(import.meta.dirname, '../../native');

/** The part of the addon that is ours; the rest comes with tfjs-node. */
export const ADDON_SOURCE = path.join(NATIVE, 'tensorflow-graph.cc');

const stampSchema = z.strictObject({
  packageName: z.enum(['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu']),
  wheelSha256: z.string(),
  /** SHA-256 of our sources that the addon was built from. */
  addonRevision: z.string(),
});

/** What an installation was made from. */
export type InstallationStamp = z.infer<typeof stampSchema>;

/** Whether the tensorflow engine is set up on this machine; `reason` says why not and what to do. */
export type TensorflowInstallation =
  | { readonly isInstalled: true; readonly folder: string; readonly stamp: InstallationStamp }
  | { readonly isInstalled: false; readonly folder: string; readonly reason: string };

/** Where the engine is installed: below TRIBUTARY_ENGINES_DIR, else below `.tributary/engines` of the repository. */
export function tensorflowFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const parent = environment['TRIBUTARY_ENGINES_DIR'] ?? path.join(REPOSITORY, '.tributary', 'engines');
  return path.resolve(parent, 'tensorflow');
}

/** SHA-256 over the sources of the addon: one that was built from others is built again. */
export function addonRevision(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(NATIVE).sort()) hash.update(readFileSync(path.join(NATIVE, name)));
  return hash.digest('hex');
}

/** Looks for the engine without loading it: a few milliseconds. */
export function tensorflowInstallation(folder = tensorflowFolder()): TensorflowInstallation {
  const refuse = (state: string): TensorflowInstallation => {
    const reason = `the tensorflow engine ${state}; run: npx tributary engine install tensorflow`;
    return { isInstalled: false, folder, reason };
  };
  const file = path.join(folder, STAMP_FILE);
  if (!existsSync(file)) return refuse('is not installed');
  const stamp = stampSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!stamp.success || stamp.data.addonRevision !== addonRevision())
    return refuse('was installed for another version');
  return { isInstalled: true, folder, stamp: stamp.data };
}
