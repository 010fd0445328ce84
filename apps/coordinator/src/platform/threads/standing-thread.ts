import { Worker } from 'node:worker_threads';
import { TributaryError } from '@tributary/protocol/errors';
import type { ThreadOrder, ThreadReply } from './thread-messages.js';

interface Pending<Result> {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: Error) => void;
}

export interface ThreadProgram {
  /** What it is, for messages: `the thread for updates`. */
  readonly title: string;
  readonly url: URL;
  /** What it is started with. */
  readonly settings: unknown;
  /** Called when it has died: what it knew is lost. */
  readonly onEnd?: () => void;
}

/**
 * A thread that stays up: the event loop stays free, and short work does not pay for starting a thread. It is started by the
 * first order. If it dies, what it was doing fails (and is done again by the caller), and the next order starts a new one.
 */
export class StandingThread<Order, Result> {
  private worker: Worker | undefined;
  private readonly pending = new Map<number, Pending<Result>>();
  private lastId = 0;
  private isEnding = false;

  constructor(private readonly program: ThreadProgram) {}

  /** @throws TributaryError when the work is refused; an Error when it fails or the thread dies. */
  ask(order: Order): Promise<Result> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.send({ order, id });
    });
  }

  /** An order that is not answered. */
  tell(order: Order): void {
    this.send({ order });
  }

  /** Ends it, with what is under way: SERVICE_NOT_READY for who waits. */
  async terminate(): Promise<void> {
    this.isEnding = true;
    await this.worker?.terminate();
  }

  private send(message: ThreadOrder<Order>): void {
    this.worker ??= this.start();
    this.worker.postMessage(message);
  }

  private start(): Worker {
    const { url, settings, title, onEnd } = this.program;
    this.isEnding = false;
    const worker = new Worker(url, { workerData: settings });
    worker.unref();
    worker.on('message', (reply: ThreadReply<Result>) => this.settle(reply));
    worker.on('error', (error: Error) => this.failAll(error));
    worker.on('exit', (exitCode) => {
      this.worker = undefined;
      onEnd?.();
      this.failAll(
        this.isEnding
          ? new TributaryError('SERVICE_NOT_READY')
          : new Error(`${title} ended with exit code ${exitCode}`),
      );
    });
    return worker;
  }

  private settle(reply: ThreadReply<Result>): void {
    const pending = this.pending.get(reply.id);
    this.pending.delete(reply.id);
    if (reply.type === 'done') pending?.resolve(reply.result);
    else if (reply.type === 'refused') pending?.reject(new TributaryError(reply.code, reply.context));
    else pending?.reject(new Error(reply.message));
  }

  private failAll(error: Error): void {
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}
