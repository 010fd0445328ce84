import { Injectable } from '@nestjs/common';
import { FairQueue, type QueuedWork } from './fair-queue.js';

/** Two share the thread and the disk: a small model need not wait for the end of a large one, and memory stays bounded. */
const AT_ONCE = 2;

interface Turn extends QueuedWork {
  readonly begin: () => void;
}

/** Who may aggregate now: a few at once, in turns that are shared evenly between studies. */
@Injectable()
export class AggregationTurns {
  private readonly queue = new FairQueue<Turn>();
  private working = 0;

  /** Rounds that wait for their turn or are being aggregated. */
  get depth(): number {
    return this.queue.size + this.working;
  }

  /**
   * Does `work` when its turn has come. What fails makes room like what succeeds.
   *
   * @throws The signal's reason when it is aborted before; what `work` throws.
   */
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
    while (this.working < AT_ONCE) {
      const turn = this.queue.next();
      if (turn === undefined) return;
      this.working++;
      turn.begin();
    }
  }
}
