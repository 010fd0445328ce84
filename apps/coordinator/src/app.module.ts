import { Module, type DynamicModule } from '@nestjs/common';
import { AuditModule } from './audit/audit.module.js';
import { GatewayModule } from './gateway/gateway.module.js';
import { HousekeepingModule } from './housekeeping/housekeeping.module.js';
import { IdentityModule } from './identity/identity.module.js';
import { BlobsModule } from './platform/blobs/blobs.module.js';
import type { Blobs } from './platform/blobs/open-blobs.js';
import { JobsModule } from './platform/jobs/jobs.module.js';
import { MetricsModule } from './platform/metrics/metrics.module.js';
import { ClockModule } from './platform/clock/clock.module.js';
import { ConfigModule } from './platform/config/config.module.js';
import type { CoordinatorConfig } from './platform/config/coordinator-config.js';
import type { Secrets } from './platform/data-dir/secrets.js';
import { SecretsModule } from './platform/data-dir/secrets.module.js';
import type { Database } from './platform/database/database.js';
import { DatabaseModule } from './platform/database/database.module.js';
import { HealthModule } from './platform/health/health.controller.js';
import { HintsModule } from './platform/hints/hints.module.js';
import type { Logger } from './platform/logging/logger.js';
import { LoggingModule } from './platform/logging/logging.module.js';
import type { Instance } from './platform/replicas/instance.js';
import { ReplicasModule } from './platform/replicas/replicas.module.js';
import { RunsModule } from './runs/runs.module.js';
import { StudiesModule } from './studies/studies.module.js';
import { TransfersModule } from './transfers/transfers.module.js';

/** What exists before Nest does: opened by `startCoordinator`, handed in here. */
export interface Ground {
  readonly config: CoordinatorConfig;
  readonly secrets: Secrets;
  readonly blobs: Blobs;
  readonly database: Database;
  readonly instance: Instance;
  readonly logger: Logger;
}

@Module({})
export class AppModule {
  static on(ground: Ground): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(ground.config),
        SecretsModule.with(ground.secrets),
        DatabaseModule.with(ground.database),
        LoggingModule.with(ground.logger),
        ReplicasModule.with(ground.instance),
        BlobsModule.with(ground.blobs),
        ClockModule,
        HintsModule,
        JobsModule,
        MetricsModule,
        HealthModule,
        AuditModule,
        StudiesModule,
        IdentityModule,
        RunsModule,
        GatewayModule,
        TransfersModule,
        HousekeepingModule,
      ],
    };
  }
}
