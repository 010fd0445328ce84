import {
  engineSettingsSchema,
  fingerprintSchema,
  siteIdSchema,
  studyIdSchema,
  TributaryError,
} from '@tributary/protocol';
import { z } from 'zod';
import { readJson } from '../../durable-files/read-json.js';
import { writeFileAtomically } from '../../durable-files/write-file-atomically.js';
import type { SitePaths } from './site-paths.js';

/** `site.json`: what `agent enroll` saved. docs/ref-site-configuration.md describes each field. */
export const siteConfigSchema = z.strictObject({
  version: z.literal(1),
  url: z.url({ protocol: /^https?$/ }),
  siteId: siteIdSchema,
  studyId: studyIdSchema,
  fingerprint: fingerprintSchema,
  imagesDirectory: z.string().min(1).nullable(),
  engine: engineSettingsSchema,
  /** Local steps between two checkpoints of a trainer inside one round. */
  checkpointEverySteps: z.int().min(1).default(25),
});
export type SiteConfig = z.infer<typeof siteConfigSchema>;

/**
 * @returns undefined while the site is not enrolled.
 * @throws TributaryError CONFIG_INVALID naming the fields that are wrong.
 */
export function loadSiteConfig(paths: SitePaths): Promise<SiteConfig | undefined> {
  return readJson(paths.configFile, siteConfigSchema, 'CONFIG_INVALID');
}

/** @throws TributaryError CONFIG_INVALID also when the site is not enrolled yet. */
export async function requireSiteConfig(paths: SitePaths): Promise<SiteConfig> {
  const config = await loadSiteConfig(paths);
  if (config === undefined) {
    throw new TributaryError('CONFIG_INVALID', {
      detail: 'the data folder holds no enrolled site; run `tributary agent enroll` first',
    });
  }
  return config;
}

/** Replaces the file in one step: after a crash there is the old one or the new one. */
export async function saveSiteConfig(paths: SitePaths, config: SiteConfig): Promise<void> {
  await writeFileAtomically(paths.configFile, `${JSON.stringify(config, undefined, 2)}\n`);
}
