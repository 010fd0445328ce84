import { Inject, Injectable } from '@nestjs/common';
import { TributaryError } from '@tributary/protocol';
import { LOGGER, type Logger } from '../platform/logging/logger.js';
import { Metrics } from '../platform/metrics/metrics.js';
import {
  AssignmentsService,
  type AssignmentContext,
  type CheckedUpload,
} from '../runs/assignments/assignments.service.js';
import { ProgressService } from '../runs/assignments/progress.service.js';
import { RetentionService } from '../storage/retention.service.js';
import { UpdateCheckService, type WholeFile } from './update-check.service.js';

const MAX_ATTEMPTS = 5;

/** A file that has arrived whole, and whose it is. */
export interface CompleteUpload extends WholeFile {
  readonly siteId: string;
}

/** From a whole upload to a counted one. */
@Injectable()
export class ReceivedUpdatesService {
  constructor(
    private readonly assignments: AssignmentsService,
    private readonly checks: UpdateCheckService,
    private readonly progress: ProgressService,
    private readonly retention: RetentionService,
    private readonly metrics: Metrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Checks the file, makes it a blob, counts it: in this order, so that what is counted is durable. Doing it again after a crash
   * changes nothing.
   *
   * @throws TributaryError as the checks and `AssignmentsService.receive` do; the refusal is in the run's events and the audit then.
   */
  async take(upload: CompleteUpload, context: AssignmentContext): Promise<void> {
    const { siteId, sizeBytes, announced, bytes } = upload;
    const { assignmentId, sha256, report } = announced;
    try {
      await this.checks.check(upload, context);
      await bytes.adopt(sha256);
      await this.count({ assignmentId, siteId, sha256, sizeBytes, report });
    } catch (error) {
      await this.refuse(upload, error);
      throw error;
    }
    await bytes.discard();
    this.progress.forget(siteId, assignmentId);
    this.metrics.updateBytes.inc(sizeBytes);
  }

  /** A word of progress, which came to another replica, may overtake it: then it is counted from the newer state. */
  private async count(upload: CheckedUpload): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.assignments.receive(upload);
      } catch (error) {
        const isOvertaken = error instanceof TributaryError && error.code === 'ASSIGNMENT_STALE_TRANSITION';
        if (!isOvertaken || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  /** A disk or a database that failed is no fault of the file: it is checked again when it is asked for again. */
  private async refuse({ siteId, announced, bytes }: CompleteUpload, error: unknown): Promise<void> {
    if (!(error instanceof TributaryError) || error.spec.status >= 500) return;
    const { assignmentId } = announced;
    this.logger.warn({ siteId, assignmentId, code: error.code }, error.message);
    await bytes.discard();
    await this.retention.discard(announced.sha256);
    this.metrics.updatesRefused.inc({ code: error.code });
    await this.assignments.refuse(siteId, assignmentId, error);
  }
}
