import { siteConfigSchema, type SiteConfig } from '../agent/config/site-config.js';
import { sitePaths } from '../agent/config/site-paths.js';
import { openSiteKey } from '../agent/key-store/site-key.js';

/** A site whose key lies in this data folder. */
export async function enrolledSite(
  folder: string,
  place: Pick<SiteConfig, 'url' | 'imagesDirectory'>,
): Promise<SiteConfig> {
  const { fingerprint } = await openSiteKey(sitePaths(folder).keyFile);
  const engine = { name: 'auto', threads: 1 };
  return siteConfigSchema.parse({ version: 1, siteId: 'site-a', studyId: 'brain', fingerprint, engine, ...place });
}
