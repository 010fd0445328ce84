import { Injectable } from '@nestjs/common';
import { FairQueue, type QueuedWork } from './fair-queue.js';

/** Large rounds that share the thread and the disk: memory stays bounded. */
const LARGE_AT_ONCE = 2;
/** Small rounds have turns of their own: they take milliseconds, and else waited for the minutes of a large one. */
const SMALL_AT_ONCE = 2;
const SMALL_BYTES = 16 * 1024 ** 2;

interface Turn extends QueuedWork {
  readonly begin: () => void;
}

/** Who may aggregate now: a few at once, in turns that are shared evenly between studies. */
@Injectable()
export class AggregationTurns {
  private readonly small = new Lane(SMALL_AT_ONCE);
  private readonly large = new Lane(LARGE_AT_ONCE);

  /** Rounds that wait for their turn or are being aggregated. */
  get depth(): number {
    return this.small.depth + this.large.depth;
  }

  /**
   * Does `work` when its turn has come. What fails makes room like what succeeds.
   *
   * @param kind Whose it is, and how many bytes it reads.
   * @throws The signal's reason when it is aborted before; what `work` throws.
   */
  take<T>(kind: QueuedWork, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return (kind.cost <= SMALL_BYTES ? this.small : this.large).take(kind, signal, work);
  }
}

/** Work of one size, so many at once. */
class Lane {
  private readonly queue = new FairQueue<Turn>();
  private working = 0;

  constructor(private readonly atOnce: number) {}

  get depth(): number {
    return this.queue.size + this.working;
  }

  async take<T>(kind: QueuedWork, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.turn(kind, signal);
    try {
      return await work();
    } finally {
      this.working--;
      this.callNext();
    }
  }

  private turn({ owner, cost }: QueuedWork, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const giveUp = (): void => {
        this.queue.remove(turn);
        reject(signal.reason instanceof Error ? signal.reason : new Error('stopped'));
      };
      const begin = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const turn: Turn = { owner, cost, begin };
      signal.addEventListener('abort', giveUp, { once: true });
      this.queue.add(turn);
      this.callNext();
    });
  }

  private callNext(): void {
    while (this.working < this.atOnce) {
      const turn = this.queue.next();
      if (turn === undefined) return;
      this.working++;
      turn.begin();
    }
  }
}
