import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { LOGGER, type Logger } from '../../platform/logging/logger.js';
import { Together } from '../../platform/together/together.js';
import { AssignmentRepository, type SentBytes } from './assignment.repository.js';

/** What the coordinator has sent to sites, by the assignment that needed it. */
@Injectable()
export class DownloadsService {
  private readonly counting: Together<SentBytes, undefined>;

  constructor(
    database: Database,
    assignments: AssignmentRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.counting = new Together(async (sent) => {
      await assignments.addSent(database.db, sent);
      return sent.map(() => undefined);
    });
  }

  /** Adds bytes to an assignment of the site; to none that is not the site's. A count that fails is lost, and the log says so. */
  async count(sent: SentBytes): Promise<void> {
    if (sent.sentBytes === 0) return;
    await this.counting.ask(sent).catch((error: unknown) => {
      this.logger.warn({ err: error, ...sent }, 'bytes sent to a site were not counted');
    });
  }
}
