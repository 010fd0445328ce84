import { Inject, Injectable } from '@nestjs/common';
import { TributaryError } from '@tributary/protocol';
import { Database } from '../platform/database/database.js';
import { LOGGER, type Logger } from '../platform/logging/logger.js';
import { AuditService } from './audit.service.js';

/** As many different refusals are remembered, so that who goes on trying does not fill the log. */
const REMEMBERED = 10_000;

/** What a site or a person tried that they may not, that came too late, or that cannot be. */
export interface Refusal {
  /** A site's or a person's id. */
  readonly actor: string;
  /** What it was about: an assignment, a study, or the site itself. */
  readonly subject: string;
  readonly error: TributaryError;
}

/** Puts refusals that change nothing else into the audit log: each kind of refusal of a subject once. */
@Injectable()
export class RefusalsService {
  private readonly known = new Set<string>();

  constructor(
    private readonly database: Database,
    private readonly audit: AuditService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** The refusal stands whether or not it can be kept. */
  async note({ actor, subject, error }: Refusal): Promise<void> {
    const { code, message: reason } = error;
    this.logger.warn({ actor, subject, code }, reason);
    const key = `${actor} ${subject} ${code}`;
    if (this.known.has(key)) return;
    if (this.known.size >= REMEMBERED) this.known.clear();
    this.known.add(key);
    const fact = { actor, action: 'request.refused', subject, detail: { code, reason } };
    try {
      await this.database.transaction((db) => this.audit.append(db, fact));
    } catch (failure) {
      this.known.delete(key);
      this.logger.error({ actor, subject, code, err: failure }, 'a refusal was not kept in the audit log');
    }
  }
}
