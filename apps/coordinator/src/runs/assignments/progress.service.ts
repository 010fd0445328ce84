import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { AssignmentProgress, AssignmentState } from '@tributary/protocol';
import { Clock } from '../../platform/clock/clock.js';
import { Database } from '../../platform/database/database.js';
import { LOGGER, type Logger } from '../../platform/logging/logger.js';
import { AssignmentRepository, type SiteProgress } from './assignment.repository.js';

const FLUSH_MS = 700;
const STATE_OF_STAGE: Record<AssignmentProgress['stage'], AssignmentState> = {
  downloading: 'accepted',
  training: 'training',
  evaluating: 'training',
  uploading: 'uploading',
};

/** How far sites are. Only the latest word of each is kept, written now and then: short rounds end before, and cost nothing. */
@Injectable()
export class ProgressService implements OnApplicationShutdown {
  private readonly latest = new Map<string, SiteProgress>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly assignments: AssignmentRepository,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  report(siteId: string, progress: AssignmentProgress): void {
    const state = STATE_OF_STAGE[progress.stage];
    this.latest.set(keyOf(siteId, progress.assignmentId), { ...progress, siteId, state, at: this.clock.now() });
    this.timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  }

  /** The assignment was answered: its progress is of no interest any more. */
  forget(siteId: string, assignmentId: string): void {
    this.latest.delete(keyOf(siteId, assignmentId));
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
  }

  private async flush(): Promise<void> {
    this.timer = undefined;
    const waiting = [...this.latest.values()];
    this.latest.clear();
    try {
      if (waiting.length > 0) await this.assignments.progressAll(this.database.db, waiting);
    } catch (error) {
      this.logger.warn({ err: error }, 'progress of sites was not kept');
    }
  }
}

/** What a site says of another's assignment must not take the place of what that one says. */
function keyOf(siteId: string, assignmentId: string): string {
  return `${siteId} ${assignmentId}`;
}
