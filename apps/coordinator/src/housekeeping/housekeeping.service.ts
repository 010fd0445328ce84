import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AuthenticationService } from '../identity/authentication.service.js';
import { BlobStore } from '../platform/blobs/blob-store.js';
import { JobQueue } from '../platform/jobs/job-queue.js';
import { LOGGER, type Logger } from '../platform/logging/logger.js';
import { UploadsService } from '../transfers/uploads.service.js';

const EVERY_TEN_MINUTES = '*/10 * * * *';
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

/** Removes what nobody will ask for again. */
@Injectable()
export class HousekeepingService implements OnApplicationBootstrap {
  constructor(
    private readonly jobs: JobQueue,
    private readonly authentication: AuthenticationService,
    private readonly blobs: BlobStore,
    private readonly uploads: UploadsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The queue starts beside the first requests: nothing waits for it. */
  onApplicationBootstrap(): void {
    this.jobs
      .every({ name: 'housekeeping', cron: EVERY_TEN_MINUTES, run: () => this.clean() })
      .catch((error: unknown) => this.logger.error({ err: error }, 'housekeeping could not be scheduled'));
  }

  private async clean(): Promise<void> {
    const challenges = await this.authentication.removeExpiredChallenges();
    const files = await this.blobs.removeAbandonedStaging(ABANDONED_AFTER_MS);
    const uploads = await this.uploads.removeAbandoned(ABANDONED_AFTER_MS);
    this.logger.info({ challenges, files, uploads }, 'housekeeping done');
  }
}
