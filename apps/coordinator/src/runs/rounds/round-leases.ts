import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { INSTANCE, type Instance } from '../../platform/replicas/instance.js';
import { LOGGER, type Logger } from '../../platform/logging/logger.js';
import { RoundRepository } from './round.repository.js';

const LEASE_SECONDS = 30;
const RENEWALS_A_LEASE = 3;

/**
 * The right to aggregate a round, for one replica at a time. It is prolonged while the work goes on, however long that
 * takes. Of a process that has died it is free at once, of one that hangs when it runs out.
 */
@Injectable()
export class RoundLeases {
  constructor(
    private readonly database: Database,
    private readonly rounds: RoundRepository,
    @Inject(INSTANCE) private readonly instance: Instance,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Works under the round's lease. The signal is aborted when the lease is lost, or when the round is no longer to be
   * aggregated because its run was cancelled.
   *
   * @returns False, without having begun, while another replica holds the lease; true when the work is done.
   */
  async hold(roundId: string, work: (signal: AbortSignal) => Promise<void>): Promise<boolean> {
    if (!(await this.take(roundId))) return false;
    const lost = new AbortController();
    const renewal = setInterval(() => void this.renew(roundId, lost), (LEASE_SECONDS * 1000) / RENEWALS_A_LEASE);
    try {
      await work(lost.signal);
      return true;
    } finally {
      clearInterval(renewal);
    }
  }

  private take(roundId: string): Promise<boolean> {
    return this.rounds.lease(this.database.db, roundId, { owner: this.instance.id, seconds: LEASE_SECONDS });
  }

  private async renew(roundId: string, lost: AbortController): Promise<void> {
    try {
      if (await this.take(roundId)) return;
      lost.abort(new Error('the round is no longer for this process to aggregate'));
    } catch (error) {
      // The database is away: should the lease run out meanwhile, the next renewal finds that.
      this.logger.warn({ roundId, err: error }, 'the lease of a round could not be prolonged');
    }
  }
}
