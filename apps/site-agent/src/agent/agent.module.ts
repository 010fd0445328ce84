import { Module, type DynamicModule } from '@nestjs/common';
import { AssignmentsModule } from './assignments/assignments.module.js';
import { ConfigModule } from './config/config.module.js';
import type { SiteInstallation } from './config/site-installation.js';

/** The agent process: everything but the training itself. */
@Module({})
export class AgentModule {
  static forSite(installation: SiteInstallation): DynamicModule {
    return { module: AgentModule, imports: [ConfigModule.forSite(installation), AssignmentsModule] };
  }
}
