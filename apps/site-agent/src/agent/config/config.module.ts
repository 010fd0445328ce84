import { Module, type DynamicModule } from '@nestjs/common';
import { SiteInstallation } from './site-installation.js';

/** Hands the installation, read and checked once at start, to everything else. */
@Module({})
export class ConfigModule {
  static forSite(installation: SiteInstallation): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [{ provide: SiteInstallation, useValue: installation }],
      exports: [SiteInstallation],
    };
  }
}
