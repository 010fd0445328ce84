import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AuthenticationService } from '../identity/authentication.service.js';
import { BlobStore } from '../platform/blobs/blob-store.js';
import { CONFIG } from '../platform/config/config.module.js';
import type { CoordinatorConfig } from '../platform/config/coordinator-config.js';
import { JobQueue } from '../platform/jobs/job-queue.js';
import { LOGGER, type Logger } from '../platform/logging/logger.js';
import { RetentionService } from '../storage/retention.service.js';
import { UnreferencedBlobsService } from '../storage/unreferenced-blobs.service.js';
import { UploadsService } from '../transfers/uploads.service.js';

const EVERY_TEN_MINUTES = '*/10 * * * *';

/** Removes what nobody will ask for again. */
@Injectable()
export class HousekeepingService implements OnApplicationBootstrap {
  constructor(
    private readonly jobs: JobQueue,
    private readonly authentication: AuthenticationService,
    private readonly blobs: BlobStore,
    private readonly uploads: UploadsService,
    private readonly retention: RetentionService,
    private readonly unreferenced: UnreferencedBlobsService,
    @Inject(CONFIG) private readonly config: CoordinatorConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The queue starts beside the first requests: nothing waits for it. What a crash left is looked for at once. */
  onApplicationBootstrap(): void {
    this.jobs
      .every({ name: 'housekeeping', cron: EVERY_TEN_MINUTES, run: () => this.clean() })
      .then(() => this.clean())
      .catch((error: unknown) => this.logger.error({ err: error }, 'housekeeping failed; it is done again by and by'));
  }

  private async clean(): Promise<void> {
    const ageMs = this.config.abandonedAfterSeconds * 1000;
    const challenges = await this.authentication.removeExpiredChallenges();
    const files = await this.blobs.removeAbandonedStaging(ageMs);
    const uploads = await this.uploads.removeAbandoned(ageMs);
    const prunedBytes = await this.retention.pruneAll();
    const unreferencedBytes = await this.unreferenced.remove(ageMs);
    this.logger.info({ challenges, files, uploads, prunedBytes, unreferencedBytes }, 'housekeeping done');
  }
}
