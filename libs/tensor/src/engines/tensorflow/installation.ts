import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const REPOSITORY = path.resolve(import.meta.dirname, '../../../../..');

/** Written last by the installation: its presence means that everything before it is complete. */
export const STAMP_FILE = 'installed.json';
export const ADDON_FILE = 'tensorflow.node';
export const LIBRARY_FOLDER = 'lib';

/** What is installed. `recipe` is the hash of all that the installation was made from. */
export const stampSchema = z.strictObject({
  recipe: z.string(),
  packageName: z.enum(['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu']),
});
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

/** Looks for the engine without loading it: a few milliseconds. */
export function tensorflowInstallation(folder = tensorflowFolder()): TensorflowInstallation {
  const remedy = 'run: npx tributary engine install tensorflow';
  try {
    const text = readFileSync(path.join(folder, STAMP_FILE), 'utf8');
    return { isInstalled: true, folder, stamp: stampSchema.parse(JSON.parse(text)) };
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const state = isMissing ? 'is not installed' : 'is installed incompletely';
    return { isInstalled: false, folder, reason: `the tensorflow engine ${state}; ${remedy}` };
  }
}
