import { Injectable } from '@nestjs/common';
import { toProblem, TributaryError, type AssignmentOffer } from '@tributary/protocol';
import { errorFields } from '../logging/error-fields.js';
import { AssignmentAdmission } from './assignment-admission.js';
import { AssignmentDelivery } from './assignment-delivery.js';
import type { AssignmentRecord } from './assignment-record.js';
import { AssignmentStore } from './assignment-store.js';
import { AssignmentWork } from './assignment-work.js';

/** The coordinator's ways of saying that it does not wait for an assignment any more. */
const CLOSED_CODES: ReadonlySet<string> = new Set([
  'ASSIGNMENT_CLOSED',
  'ASSIGNMENT_ILLEGAL_TRANSITION',
  'ASSIGNMENT_NOT_YOURS',
]);

interface FinishOptions {
  /** True when an earlier process may have sent a part of the result. */
  readonly resume: boolean;
  readonly signal: AbortSignal;
  /** Settles when the coordinator acknowledged that the site takes part. */
  readonly answered: Promise<void>;
  /** When the offer came and was decided; absent where an earlier process did that. */
  readonly moments?: { readonly offeredAt: string; readonly decidedAt: string };
}

/** Takes each offered assignment from wherever it stands to its end; an offer that is being worked on is not taken twice. */
@Injectable()
export class AssignmentRunner {
  private readonly active = new Map<string, { readonly runId: string; readonly own: AbortController }>();

  constructor(
    private readonly store: AssignmentStore,
    private readonly admission: AssignmentAdmission,
    private readonly work: AssignmentWork,
    private readonly delivery: AssignmentDelivery,
  ) {}

  /** @param stopping Aborted when the agent stops; the assignment is then left as it is, for the next start. */
  async take(offer: AssignmentOffer, stopping: AbortSignal): Promise<void> {
    const { assignmentId } = offer;
    if (this.active.has(assignmentId) || stopping.aborted) return;
    const own = new AbortController();
    this.active.set(assignmentId, { runId: offer.runId, own });
    const onStop = (): void => own.abort(new TributaryError('INTERRUPTED'));
    stopping.addEventListener('abort', onStop, { once: true });
    try {
      await this.run(offer, own).catch((error: unknown) =>
        this.end(offer, own.signal.aborted ? own.signal.reason : error, stopping),
      );
      await this.store.prune(offer.runId);
    } finally {
      stopping.removeEventListener('abort', onStop);
      this.active.delete(assignmentId);
    }
  }

  /** The round went on without this site: whatever is being done for it stops. */
  withdraw(assignmentId: string): void {
    this.active.get(assignmentId)?.own.abort(new TributaryError('ASSIGNMENT_CLOSED'));
  }

  /** Nothing more comes for this run: what is being done for it stops, and its trainer goes. */
  endRun(runId: string): Promise<void> {
    for (const [assignmentId, task] of this.active) if (task.runId === runId) this.withdraw(assignmentId);
    return this.work.endRun(runId);
  }

  stop(): Promise<void> {
    return this.work.stop();
  }

  private async run(offer: AssignmentOffer, own: AbortController): Promise<void> {
    const offeredAt = new Date().toISOString();
    const known = await this.store.find(offer);
    if (known !== undefined) return this.goOn(known, own.signal);

    const { signal } = own;
    void this.work.prefetch(offer, signal);
    const admitted = await this.admission.decide(offer, signal);
    const { updatedAt: decidedAt } = await this.store.save(admitted);
    if (admitted.state === 'declined') return this.admission.decline(admitted, signal);
    // Telling the decision and fetching the weights go side by side; a refusal ends both.
    const answered = this.admission.accept(offer, signal);
    answered.catch((error: unknown) => own.abort(error));
    await this.finish(offer, { resume: false, signal, answered, moments: { offeredAt, decidedAt } });
  }

  /** The coordinator still lists it as open: take up what is left, or tell the end once more. */
  private async goOn(record: AssignmentRecord, signal: AbortSignal): Promise<void> {
    const { offer, state, problem } = record;
    if (state === 'accepted' || state === 'received') {
      await this.finish(offer, { resume: true, signal, answered: this.admission.accept(offer, signal) });
    } else if (state === 'declined') {
      await this.admission.decline(record, signal);
    } else if (problem !== undefined) {
      await this.delivery.fail(offer, problem, signal);
    }
  }

  private async finish(offer: AssignmentOffer, { resume, signal, answered, moments }: FinishOptions): Promise<void> {
    const [work] = await Promise.all([this.work.perform(offer, signal), answered]);
    const { sizeBytes } = work.report;
    await this.delivery.deliver(offer, work.report, { resume, signal });
    await this.store.save({ offer, state: 'received' }, { sizeBytes, moments: { ...moments, ...work.moments } });
  }

  private async end(offer: AssignmentOffer, reason: unknown, stopping: AbortSignal): Promise<void> {
    const code = reason instanceof TributaryError ? reason.code : 'INTERNAL';
    if (code === 'INTERRUPTED') return;
    if (CLOSED_CODES.has(code)) {
      await this.store.save({ offer, state: 'closed' }, { code });
      return;
    }
    // Facts of the failure stay in this site's log; the coordinator gets the code and its sentence.
    const { context: _facts, ...problem } = toProblem(reason);
    await this.store.save({ offer, state: 'failed', problem }, errorFields(reason));
    await this.delivery.fail(offer, problem, stopping);
  }
}
