import type { Logger } from 'pino';
import type { SiteConfig } from './site-config.js';
import type { SitePaths } from './site-paths.js';

/** One enrolled site on this machine: what it is, where it keeps its state, and its log. */
export class SiteInstallation {
  constructor(
    readonly config: SiteConfig,
    readonly paths: SitePaths,
    readonly log: Logger,
  ) {}
}
