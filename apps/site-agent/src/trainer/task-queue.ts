import { basename } from 'node:path';
import { TributaryError, type TrainerCommand } from '@tributary/protocol';

export interface QueuedTask {
  /** The assignment's folder, named by its id. */
  readonly folder: string;
  /** Aborted with INTERRUPTED when the task is cancelled or the trainer has to end. */
  readonly signal: AbortSignal;
}

interface Entry extends QueuedTask {
  readonly controller: AbortController;
}

/** The agent's commands as a queue of tasks: one at a time, in the order in which they came. */
export class TaskQueue {
  private readonly waiting: Entry[] = [];
  private current: Entry | undefined;
  private closed = false;
  private wake: () => void = () => undefined;

  command(command: TrainerCommand): void {
    if (command.type === 'task') this.add(command.folder);
    else if (command.type === 'cancel') this.cancel(command.assignmentId);
    else this.close();
  }

  /** No task is begun any more, and the one in work is interrupted. */
  close(): void {
    this.closed = true;
    this.current?.controller.abort(new TributaryError('INTERRUPTED'));
    this.wake();
  }

  /** The next task; undefined when the queue is closed. */
  async next(): Promise<QueuedTask | undefined> {
    this.current = undefined;
    while (!this.closed) {
      this.current = this.waiting.shift();
      if (this.current !== undefined) return this.current;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return undefined;
  }

  private add(folder: string): void {
    const controller = new AbortController();
    this.waiting.push({ folder, controller, signal: controller.signal });
    this.wake();
  }

  private cancel(assignmentId: string): void {
    const named = ({ folder }: Entry): boolean => basename(folder) === assignmentId;
    if (this.current !== undefined && named(this.current))
      this.current.controller.abort(new TributaryError('INTERRUPTED'));
    const index = this.waiting.findIndex(named);
    if (index >= 0) this.waiting.splice(index, 1);
  }
}
