import { availableParallelism } from 'node:os';
import { mkdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { enrolmentResponseSchema, TributaryError } from '@tributary/protocol';
import type { z } from 'zod';
import { loadSiteConfig, saveSiteConfig, type SiteConfig } from '../agent/config/site-config.js';
import type { SitePaths } from '../agent/config/site-paths.js';
import { CoordinatorHttp } from '../agent/coordinator-client/coordinator-http.js';
import { openSiteKey } from '../agent/key-store/site-key.js';
import { ensurePolicy } from '../agent/policy/policy-file.js';
import type { Flags } from './arguments.js';
import type { CommandOutput } from './output.js';

type Enrolment = z.infer<typeof enrolmentResponseSchema>;

/**
 * Enrols the site, or changes the settings of an enrolled one; a further token takes it into a further study. Interrupted
 * anywhere, the same command goes on: the key is kept, and the coordinator knows the same key with the same token again.
 *
 * @throws TributaryError ENROL_TOKEN_INVALID, ENROL_TOKEN_USED, ENROL_TOKEN_EXPIRED, COORDINATOR_UNREACHABLE …
 */
export async function enroll(paths: SitePaths, flags: Flags, output: CommandOutput): Promise<void> {
  await mkdir(paths.root, { recursive: true, mode: 0o700 });
  const known = await loadSiteConfig(paths);
  const url = coordinatorUrl(known, flags);
  await requireFolder(flags);
  const answer = known !== undefined && flags.token === undefined ? undefined : await proveKey(paths, url, flags);
  const config = withSettings(known ?? newConfig(url, answer), flags);
  if (answer !== undefined && answer.siteId !== config.siteId) {
    throw new TributaryError('ALREADY_EXISTS', {
      detail: `the folder holds ${config.siteId}, the token is for another site`,
    });
  }
  await ensurePolicy(paths.policyFile);
  await saveSiteConfig(paths, config);
  const { siteId, fingerprint } = config;
  const state = answer?.state ?? 'enrolled';
  output.document({ siteId, fingerprint, state }, () => {
    if (answer === undefined)
      return `Changed the settings of ${siteId}; an agent that runs reads them at its next start.`;
    return [
      `This site is ${siteId} (${state}).`,
      `Fingerprint: ${fingerprint}`,
      'Read it to the admin of the consortium by telephone; the admin compares it and approves the site.',
      'Look through policy.yaml in the data folder, then run `tributary agent preflight` and `tributary agent start`.',
    ].join('\n');
  });
}

/** @throws TributaryError USAGE_INVALID without an address, ALREADY_EXISTS when the folder belongs to another coordinator. */
function coordinatorUrl(known: SiteConfig | undefined, { url }: Flags): string {
  if (known === undefined && url === undefined) {
    throw new TributaryError('USAGE_INVALID', { detail: '--url: the address of the coordinator' });
  }
  if (known !== undefined && url !== undefined && new URL(url).href !== new URL(known.url).href) {
    throw new TributaryError('ALREADY_EXISTS', { detail: `the folder holds ${known.siteId} of another coordinator` });
  }
  return known?.url ?? url ?? '';
}

/** @throws TributaryError USAGE_INVALID before a token is spent on a folder that is misspelt. */
async function requireFolder({ images }: Flags): Promise<void> {
  if (images === undefined) return;
  const found = await stat(resolve(images)).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new TributaryError('USAGE_INVALID', { detail: '--images: a folder that exists' });
}

async function proveKey(paths: SitePaths, url: string, { token }: Flags): Promise<Enrolment> {
  if (token === undefined)
    throw new TributaryError('USAGE_INVALID', { detail: '--token: the token of the invitation' });
  const key = await openSiteKey(paths.keyFile);
  const answer = await new CoordinatorHttp(url).json('POST', '/v1/enrolment', {
    body: { token, publicKey: key.publicKey, signature: key.sign(`tributary-enrol:${token}`) },
    schema: enrolmentResponseSchema,
  });
  if (answer.fingerprint !== key.fingerprint) throw new TributaryError('SITE_FINGERPRINT_MISMATCH');
  return answer;
}

function newConfig(url: string, answer: Enrolment | undefined): SiteConfig {
  if (answer === undefined)
    throw new TributaryError('USAGE_INVALID', { detail: '--token: the token of the invitation' });
  const { siteId, studyId, fingerprint } = answer;
  const engine = { name: 'auto' as const, threads: availableParallelism() };
  return { version: 1, url, siteId, studyId, fingerprint, imagesDirectory: null, engine, checkpointEverySteps: 25 };
}

function withSettings(config: SiteConfig, flags: Flags): SiteConfig {
  const { images, engine, device, threads, precision, 'memory-limit-mib': memoryLimitMiB } = flags;
  return {
    ...config,
    imagesDirectory: images === undefined ? config.imagesDirectory : resolve(images),
    engine: {
      name: engine ?? config.engine.name,
      device: device ?? config.engine.device,
      threads: threads ?? config.engine.threads,
      precision: precision ?? config.engine.precision,
      memoryLimitMiB: memoryLimitMiB ?? config.engine.memoryLimitMiB,
    },
  };
}
