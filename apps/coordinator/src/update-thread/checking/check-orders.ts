import type { OpenBytes } from '@tributary/federation';
import type { CheckOrder, UpdateCheck } from '../update-orders.js';
import { GrowingCheck } from './growing-check.js';

/** The thread's side of checks: those of one upload go one after the other. */
export class CheckOrders {
  private readonly begun = new Map<string, GrowingCheck>();
  /** The end of the last order for an upload. */
  private readonly last = new Map<string, Promise<void>>();

  constructor(private readonly opener: Promise<OpenBytes>) {}

  async obey(order: CheckOrder): Promise<void> {
    const assignmentId = order.type === 'forget' ? order.assignmentId : order.check.assignmentId;
    const before = this.last.get(assignmentId) ?? Promise.resolve();
    const done = before.catch(() => undefined).then(() => this.work(order));
    this.last.set(assignmentId, done);
    try {
      await done;
    } finally {
      if (this.last.get(assignmentId) === done) this.last.delete(assignmentId);
    }
  }

  private async work(order: CheckOrder): Promise<void> {
    if (order.type === 'forget') return this.end(order.assignmentId);
    const { check } = order;
    if (order.type === 'finish') {
      return this.checkOf(check)
        .then((growing) => growing.finish())
        .finally(() => this.end(check.assignmentId));
    }
    // What could not be read now is read when all is there.
    await this.checkOf(check)
      .then((growing) => growing.advance(order.bytes))
      .catch(() => this.end(check.assignmentId));
  }

  /** The check that was begun, or one from the first byte. */
  private async checkOf(check: UpdateCheck): Promise<GrowingCheck> {
    const known = this.begun.get(check.assignmentId);
    if (known !== undefined && (await known.isOf(check))) return known;
    await this.end(check.assignmentId);
    const fresh = await GrowingCheck.begin(check, await this.opener);
    this.begun.set(check.assignmentId, fresh);
    return fresh;
  }

  private async end(assignmentId: string): Promise<void> {
    const check = this.begun.get(assignmentId);
    this.begun.delete(assignmentId);
    await check?.close();
  }
}
