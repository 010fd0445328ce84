import { access, constants, statfs } from 'node:fs/promises';
import type { SiteConfig } from '../agent/config/site-config.js';
import type { SitePaths } from '../agent/config/site-paths.js';
import { loadSiteKey } from '../agent/key-store/site-key.js';
import { loadPolicy } from '../agent/policy/policy-file.js';
import type { Check } from './check.js';

/** Weights, checkpoints and moments of a few rounds of a large network. */
const WANTED_FREE_BYTES = 2 * 1024 ** 3;

/** What this machine and its files have to offer. */
export function machineChecks(config: SiteConfig, paths: SitePaths): Check[] {
  return [
    { name: 'disk', look: () => diskFinding(paths) },
    { name: 'key', look: () => keyFinding(config, paths) },
    { name: 'engine', look: () => engineFinding(config) },
    { name: 'images', look: () => imagesFinding(config) },
    { name: 'policy', look: () => policyFinding(paths) },
  ];
}

async function diskFinding({ root }: SitePaths) {
  const { R_OK, W_OK, X_OK } = constants;
  const isOpen = await access(root, R_OK | W_OK | X_OK).then(
    () => true,
    () => false,
  );
  if (!isOpen) {
    return { detail: 'the data folder cannot be written', fix: "Give the folder and all in it to the agent's user." };
  }
  const { bavail, bsize } = await statfs(root);
  const gibibytes = (bavail * bsize) / 1024 ** 3;
  const detail = `${gibibytes.toFixed(1)} GiB free in the data folder`;
  return bavail * bsize >= WANTED_FREE_BYTES
    ? { detail }
    : { detail, fix: 'Free 2 GiB, or move the data folder to a larger disk.' };
}

async function keyFinding({ fingerprint }: SiteConfig, { keyFile }: SitePaths) {
  const key = await loadSiteKey(keyFile).catch(() => undefined);
  return key?.fingerprint === fingerprint
    ? { detail: `keys/site-key.pem is that of ${fingerprint}` }
    : {
        detail: "keys/site-key.pem is missing, cannot be read, or is not the enrolled site's",
        fix: "Restore it, or make it readable for the agent's user; without it, enrol into a new data folder.",
      };
}

async function engineFinding({ engine: settings }: SiteConfig) {
  const { openSiteEngine } = await import('../trainer/run-engine.js');
  const { engine } = await openSiteEngine(settings);
  const detail = `${engine.name} on ${engine.device}, ${engine.threads === 1 ? '1 thread' : `${engine.threads} threads`}, ${engine.precision}`;
  await engine.dispose();
  return { detail };
}

async function imagesFinding({ imagesDirectory }: SiteConfig) {
  if (imagesDirectory === null) {
    return { detail: 'no image folder is set', fix: 'Run `tributary agent enroll --data-dir DIR --images DIR`.' };
  }
  const { inspectFolder } = await import('@tributary/imaging');
  const { images, patients, problems } = await inspectFolder({ directory: imagesDirectory, sheetImages: 1 });
  const troubles = problems.map(({ kind, count }) => `${count} ${kind}`);
  const detail = [`${images} images of ${patients} patients`, ...troubles].join(', ');
  return images > 0
    ? { detail }
    : { detail, fix: 'Put images into the folder; docs/how-to-prepare-data.md tells how.' };
}

async function policyFinding({ policyFile }: SitePaths) {
  const { recipes, data } = await loadPolicy(policyFile);
  const detail =
    recipes.approval === 'ask' ? 'a person approves each recipe' : 'recipes within the limits are approved by rule';
  return { detail: `${detail}; at least ${data.minPatients} patients` };
}
