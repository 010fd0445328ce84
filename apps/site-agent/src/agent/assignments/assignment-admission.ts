import { Injectable } from '@nestjs/common';
import { toProblem, type AssignmentOffer } from '@tributary/protocol';
import { SiteInstallation } from '../config/site-installation.js';
import { retryUntilDone } from '../coordinator-client/backoff.js';
import { CoordinatorSocket } from '../coordinator-client/coordinator-socket.js';
import { declineForData } from '../policy/data-decision.js';
import { loadPolicy } from '../policy/policy-file.js';
import { RecipeApprovals } from '../policy/recipe-approvals.js';
import { RunTrainers } from '../trainer-process/run-trainers.js';
import type { AssignmentRecord } from './assignment-record.js';

export type Admission = Pick<AssignmentRecord, 'offer' | 'state' | 'problem'>;

/** Decides whether the site takes an assignment (the recipe first, then the data) and tells the coordinator. */
@Injectable()
export class AssignmentAdmission {
  constructor(
    private readonly installation: SiteInstallation,
    private readonly approvals: RecipeApprovals,
    private readonly trainers: RunTrainers,
    private readonly socket: CoordinatorSocket,
  ) {}

  /**
   * Accepted, or declined with a coded reason. While the recipe cannot be fetched, it waits.
   *
   * @throws the signal's reason when it is aborted meanwhile.
   */
  async decide(offer: AssignmentOffer, signal: AbortSignal): Promise<Admission> {
    const reason = await this.reasonAgainst(offer, signal);
    return reason === undefined
      ? { offer, state: 'accepted' }
      : { offer, state: 'declined', problem: toProblem(reason) };
  }

  async accept({ assignmentId }: AssignmentOffer, signal: AbortSignal): Promise<void> {
    await this.socket.answerAssignment({ assignmentId, decision: 'accept' }, signal);
  }

  async decline({ offer, problem }: Admission, signal: AbortSignal): Promise<void> {
    const { assignmentId } = offer;
    await this.socket.answerAssignment({ assignmentId, decision: 'decline', code: problem?.code }, signal);
  }

  private async reasonAgainst(offer: AssignmentOffer, signal: AbortSignal): Promise<unknown> {
    try {
      const recipe = await retryUntilDone(() => this.approvals.requireApproved(offer), { signal });
      const trainer = await this.trainers.forOffer(offer);
      const { data } = await trainer.ready(signal);
      return declineForData(await loadPolicy(this.installation.paths.policyFile), recipe, data);
    } catch (error) {
      signal.throwIfAborted();
      return error;
    }
  }
}
