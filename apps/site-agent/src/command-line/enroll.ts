import { availableParallelism } from 'node:os';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { enrolmentResponseSchema, TributaryError } from '@tributary/protocol';
import { loadSiteConfig, saveSiteConfig, type SiteConfig } from '../agent/config/site-config.js';
import type { SitePaths } from '../agent/config/site-paths.js';
import { CoordinatorHttp } from '../agent/coordinator-client/coordinator-http.js';
import { openSiteKey } from '../agent/key-store/site-key.js';
import { ensurePolicy } from '../agent/policy/policy-file.js';
import type { Flags } from './arguments.js';
import type { CommandOutput } from './output.js';

/**
 * Enrols the site, or changes the settings of an enrolled one. Interrupted anywhere, the same command goes on: the key is
 * kept, and the coordinator knows the same key with the same token again.
 *
 * @throws TributaryError ENROL_TOKEN_INVALID, ENROL_TOKEN_USED, ENROL_TOKEN_EXPIRED, COORDINATOR_UNREACHABLE …
 */
export async function enroll(paths: SitePaths, flags: Flags, output: CommandOutput): Promise<void> {
  await mkdir(paths.root, { recursive: true, mode: 0o700 });
  const enrolled = await loadSiteConfig(paths);
  const { config, state } =
    enrolled === undefined
      ? await enrolNew(paths, flags)
      : { config: sameCoordinator(enrolled, flags), state: 'enrolled' };
  await ensurePolicy(paths.policyFile);
  await saveSiteConfig(paths, withSettings(config, flags));
  const { siteId, fingerprint } = config;
  output.document({ siteId, fingerprint, state }, () =>
    [
      `This site is ${siteId} (${state}).`,
      `Fingerprint: ${fingerprint}`,
      'Read it to the admin of the consortium by telephone; the admin compares it and approves the site.',
      'Look through policy.yaml in the data folder, then run `tributary agent preflight` and `tributary agent start`.',
    ].join('\n'),
  );
}

async function enrolNew(paths: SitePaths, { url, token }: Flags): Promise<{ config: SiteConfig; state: string }> {
  if (url === undefined) throw new TributaryError('USAGE_INVALID', { detail: '--url: the address of the coordinator' });
  if (token === undefined)
    throw new TributaryError('USAGE_INVALID', { detail: '--token: the token of the invitation' });
  const key = await openSiteKey(paths.keyFile);
  const { siteId, studyId, fingerprint, state } = await new CoordinatorHttp(url).json('POST', '/v1/enrolment', {
    body: { token, publicKey: key.publicKey, signature: key.sign(`tributary-enrol:${token}`) },
    schema: enrolmentResponseSchema,
  });
  if (fingerprint !== key.fingerprint) throw new TributaryError('SITE_FINGERPRINT_MISMATCH');
  const engine = { name: 'auto' as const, threads: availableParallelism() };
  return {
    config: { version: 1, url, siteId, studyId, fingerprint, imagesDirectory: null, engine, checkpointEverySteps: 25 },
    state,
  };
}

/** @throws TributaryError ALREADY_EXISTS when the folder belongs to a site of another coordinator. */
function sameCoordinator(config: SiteConfig, { url }: Flags): SiteConfig {
  if (url === undefined || new URL(url).href === new URL(config.url).href) return config;
  throw new TributaryError('ALREADY_EXISTS', { detail: `the folder holds ${config.siteId} of another coordinator` });
}

function withSettings(config: SiteConfig, { images, engine, threads }: Flags): SiteConfig {
  return {
    ...config,
    imagesDirectory: images === undefined ? config.imagesDirectory : resolve(images),
    engine: { name: engine ?? config.engine.name, threads: threads ?? config.engine.threads },
  };
}
