import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { TributaryError, type AssignmentOffer, type RunProposal } from '@tributary/protocol';
import { ConnectionStatus } from '../coordinator-client/connection-status.js';
import { CoordinatorHttp } from '../coordinator-client/coordinator-http.js';
import { CoordinatorSocket } from '../coordinator-client/coordinator-socket.js';
import { SiteInstallation } from '../config/site-installation.js';
import { errorFields } from '../logging/error-fields.js';
import { RecipeApprovals } from '../policy/recipe-approvals.js';
import { AssignmentRunner } from './assignment-runner.js';

/** Hints may be lost; the open work is asked for this often whatever was heard. */
const LOOK_EVERY_MS = 15_000;
/** How soon an approval by hand is noticed. */
const RECONSIDER_EVERY_MS = 1_000;

/** The agent's life: stay connected, ask what is open, answer, work, until it is stopped. */
@Injectable()
export class WorkLoop {
  private readonly tasks = new Set<Promise<void>>();

  constructor(
    private readonly installation: SiteInstallation,
    private readonly socket: CoordinatorSocket,
    private readonly http: CoordinatorHttp,
    private readonly approvals: RecipeApprovals,
    private readonly runner: AssignmentRunner,
  ) {}

  /**
   * Runs until `stopping` is aborted; every assignment is then left where it stands and the trainers are gone.
   *
   * @throws TributaryError that no waiting can mend (SITE_REVOKED, PROTOCOL_VERSION, AUTH_INVALID).
   */
  async run(stopping: AbortSignal): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([stopping, over.signal]);
    const status = new ConnectionStatus(this.installation);
    this.listen(signal, status);
    this.background(this.every(LOOK_EVERY_MS, () => this.look(signal), signal));
    this.background(this.every(RECONSIDER_EVERY_MS, () => this.approvals.reconsider(signal), signal));
    try {
      await this.socket.stayConnected({ signal, onRetry: (error) => status.waiting(error) });
    } catch (error) {
      if (!stopping.aborted) throw error;
    } finally {
      over.abort();
      this.socket.removeAllListeners();
      await this.runner.stop();
      await Promise.all(this.tasks);
      await status.stopped();
    }
  }

  private listen(signal: AbortSignal, status: ConnectionStatus): void {
    this.socket.on('connected', () => {
      status.connected();
      this.background(this.look(signal));
    });
    this.socket.on('disconnected', () => {
      if (!signal.aborted) status.disconnected();
    });
    this.socket.on('silent', () => this.http.breakOff());
    this.socket.on('proposed', (proposal) => this.propose(proposal, signal));
    this.socket.on('offered', (offer) => this.offer(offer, signal));
    this.socket.on('withdrawn', ({ assignmentId }) => this.runner.withdraw(assignmentId));
    this.socket.on('runEnded', ({ runId }) => this.background(this.runner.endRun(runId)));
  }

  private async look(signal: AbortSignal): Promise<void> {
    const { proposals, assignments, endedRuns } = await this.socket.openWork(signal);
    for (const proposal of proposals) this.propose(proposal, signal);
    for (const offer of assignments) this.offer(offer, signal);
    await Promise.all(endedRuns.map((runId) => this.runner.endRun(runId)));
  }

  private propose(proposal: RunProposal, signal: AbortSignal): void {
    this.background(this.approvals.consider(proposal, signal));
  }

  private offer(offer: AssignmentOffer, signal: AbortSignal): void {
    this.background(this.runner.take(offer, signal));
  }

  private async every(periodMs: number, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(periodMs, undefined, { signal });
      await work().catch((error: unknown) => this.logFailure(error));
    }
  }

  /** Nothing that happens in one piece of work ends the agent. */
  private background(work: Promise<void>): void {
    const task = work.catch((error: unknown) => this.logFailure(error)).finally(() => this.tasks.delete(task));
    this.tasks.add(task);
  }

  private logFailure(error: unknown): void {
    const stopped = error instanceof Error && error.name === 'AbortError';
    const interrupted = error instanceof TributaryError && error.code === 'INTERRUPTED';
    if (!stopped && !interrupted) this.installation.log.error(errorFields(error), 'work failed');
  }
}
