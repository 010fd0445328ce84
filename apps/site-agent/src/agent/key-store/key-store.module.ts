import { Module } from '@nestjs/common';
import { TributaryError } from '@tributary/protocol';
import { SiteInstallation } from '../config/site-installation.js';
import { loadSiteKey, SiteKey } from './site-key.js';

@Module({
  providers: [
    {
      provide: SiteKey,
      inject: [SiteInstallation],
      useFactory: async ({ config, paths }: SiteInstallation): Promise<SiteKey> => {
        const key = await loadSiteKey(paths.keyFile);
        if (key?.fingerprint === config.fingerprint) return key;
        throw new TributaryError('CONFIG_INVALID', { detail: "keys/site-key.pem is not the enrolled site's key" });
      },
    },
  ],
  exports: [SiteKey],
})
export class KeyStoreModule {}
