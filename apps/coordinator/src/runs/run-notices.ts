import { EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';

interface Notices {
  /** Something about this run was committed by this process; `wakesDriver`: there may be a step to take. */
  changed: [runId: string, wakesDriver: boolean];
}

/** Tells the waiting parts of this process that a run has changed; other replicas are found by looking again. */
@Injectable()
export class RunNotices extends EventEmitter<Notices> {
  constructor() {
    super();
    this.setMaxListeners(0);
  }

  /** Resolves when the run changes here, or after `timeoutMs`, or when `signal` is aborted. */
  nextChange(runId: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.off('changed', onChange);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const onChange = (changed: string): void => {
        if (changed === runId) finish();
      };
      const timer = setTimeout(finish, timeoutMs);
      this.on('changed', onChange);
      signal.addEventListener('abort', finish);
      if (signal.aborted) finish();
    });
  }
}
