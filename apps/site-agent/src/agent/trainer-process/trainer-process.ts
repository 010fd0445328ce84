import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import {
  jsonOrUndefined,
  trainerMessageSchema,
  TributaryError,
  type TrainerCommand,
  type TrainerMessage,
} from '@tributary/protocol';
import { CauseOfDeath } from './cause-of-death.js';

const STOP_GRACE_MS = 5_000;

/** How to start a trainer; the run's folder is appended. */
export interface TrainerLaunch {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment: Record<string, string>;
}

interface TrainerEvents {
  message: [TrainerMessage];
  ended: [TributaryError];
}

/** One trainer child: NDJSON commands in, NDJSON messages out. Emits `ended` once, with TRAINER_DIED and the cause. */
export class TrainerProcess extends EventEmitter<TrainerEvents> {
  private ending: TributaryError | undefined;

  private constructor(private readonly child: ChildProcessWithoutNullStreams) {
    super();
    const cause = new CauseOfDeath();
    createInterface({ input: child.stdout }).on('line', (line) => this.receive(line));
    createInterface({ input: child.stderr }).on('line', (line) => cause.read(line));
    child.stdin.on('error', () => undefined); // a dead child is reported by its end
    child.once('error', (error) => this.end(`cannot be started (${error.name})`));
    child.once('close', (code, signal) => this.end(cause.describe(code, signal)));
  }

  static start(launch: TrainerLaunch, runDirectory: string): TrainerProcess {
    const child = spawn(launch.command, [...launch.arguments, runDirectory], {
      env: launch.environment,
      stdio: 'pipe',
    });
    return new TrainerProcess(child);
  }

  /** Why it ended; undefined while it runs. */
  get ended(): TributaryError | undefined {
    return this.ending;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  send(command: TrainerCommand): void {
    if (this.ending === undefined) this.child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** Asks it to stop, closes its stdin, and kills it when it has not gone in time. */
  async stop(): Promise<void> {
    if (this.ending !== undefined) return;
    const gone = once(this, 'ended');
    this.send({ type: 'stop' });
    this.child.stdin.end();
    const timer = new AbortController();
    const overdue = delay(STOP_GRACE_MS, 'overdue', { signal: timer.signal, ref: false }).catch(() => 'gone');
    if ((await Promise.race([gone, overdue])) === 'overdue') this.child.kill('SIGKILL');
    timer.abort();
    await gone;
  }

  /** A line that is no message (a library that writes to stdout) is dropped. */
  private receive(line: string): void {
    const message = trainerMessageSchema.safeParse(jsonOrUndefined(line));
    if (message.success) this.emit('message', message.data);
  }

  private end(cause: string): void {
    if (this.ending !== undefined) return;
    this.ending = new TributaryError('TRAINER_DIED', { detail: cause });
    this.emit('ended', this.ending);
  }
}
