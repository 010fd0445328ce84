import type { Writable } from 'node:stream';
import { toProblem, TributaryError, type Problem, type TrainerMessage } from '@tributary/protocol';
import { asDiskFull } from '../durable-files/write-file-atomically.js';
import { stackFrames } from '../agent/logging/error-fields.js';

const PROGRESS_EVERY_MS = 500;

type Progress = Extract<TrainerMessage, { type: 'progress' }>;

/** The trainer's messages to its agent, one JSON a line. */
export class TrainerOutput {
  private nextProgressMs = 0;

  constructor(private readonly stream: Writable) {}

  send(message: TrainerMessage): void {
    this.stream.write(`${JSON.stringify(message)}\n`);
  }

  /** At most twice a second; the end of a task is told by `done`. */
  progress(progress: Omit<Progress, 'type'>): void {
    const nowMs = performance.now();
    if (nowMs < this.nextProgressMs) return;
    this.nextProgressMs = nowMs + PROGRESS_EVERY_MS;
    this.send({ type: 'progress', ...progress });
  }

  /** @param assignmentId Null when the trainer itself cannot start. */
  fail(assignmentId: string | null, error: unknown): void {
    this.send({ type: 'failed', assignmentId, problem: safeProblem(error) });
  }
}

/** An error without a code becomes INTERNAL with its class and the places in the code: its message could hold a path. */
function safeProblem(thrown: unknown): Problem {
  const error = asDiskFull(thrown);
  if (error instanceof TributaryError) return toProblem(error);
  const name = error instanceof Error ? error.name : typeof error;
  return { ...toProblem(error), context: { name, frames: stackFrames(error) } };
}
