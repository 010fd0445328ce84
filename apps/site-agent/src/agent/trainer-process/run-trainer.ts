import { setTimeout as delay } from 'node:timers/promises';
import { fromProblem, TributaryError, type TrainerMessage, type TrainingMoments } from '@tributary/protocol';
import { backoffMs } from '../coordinator-client/backoff.js';
import { TrainerProcess, type TrainerLaunch } from './trainer-process.js';

/** Deaths in a row, without progress in between, after which a task fails for good. */
const MAX_DEATHS = 5;
const RESTART_BACKOFF = { baseMs: 100, maxMs: 10_000 };

export type TrainerReady = Extract<TrainerMessage, { type: 'ready' }>;
export type TrainerProgress = Extract<TrainerMessage, { type: 'progress' }>;

export interface TrainerTask {
  readonly assignmentId: string;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: TrainerProgress) => void;
}

interface Running {
  readonly process: TrainerProcess;
  readonly ready: Promise<TrainerReady>;
}

/** The one trainer of a run: started at the first need, kept between rounds, started again after it died. */
export class RunTrainer {
  private running: Running | undefined;
  private deaths = 0;

  constructor(
    private readonly launch: TrainerLaunch,
    private readonly runDirectory: string,
    private readonly onDeath: (error: TributaryError, deaths: number) => void,
  ) {}

  /**
   * What the trainer found: its engine, the network, the site's data.
   *
   * @throws TributaryError the trainer's own code (DATA_EMPTY, ENGINE_UNAVAILABLE …), or TRAINER_DIED.
   */
  ready(signal: AbortSignal): Promise<TrainerReady> {
    return this.survive(signal, ({ ready }) => ready);
  }

  /**
   * Has a task done. A trainer that dies meanwhile is started again and goes on from its last checkpoint.
   *
   * @returns When the parts of a training ended.
   */
  async perform(task: TrainerTask): Promise<TrainingMoments | undefined> {
    let furthest = 0;
    const onProgress = (progress: TrainerProgress): void => {
      // What kills a trainer at the same place each time is a fault; one that gets further each time may go on.
      if (progress.done > furthest) this.deaths = 0;
      furthest = Math.max(furthest, progress.done);
      task.onProgress(progress);
    };
    const moments = await this.survive(task.signal, async (running) => {
      await running.ready;
      return performOnce(running.process, { ...task, onProgress });
    });
    this.deaths = 0;
    return moments;
  }

  async stop(): Promise<void> {
    await this.running?.process.stop();
    this.running = undefined;
  }

  private async survive<T>(signal: AbortSignal, work: (running: Running) => Promise<T>): Promise<T> {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await work(this.ensureRunning());
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof TributaryError) || error.code !== 'TRAINER_DIED') throw error;
        this.deaths += 1;
        this.onDeath(error, this.deaths);
        if (this.deaths >= MAX_DEATHS) {
          this.deaths = 0;
          throw error;
        }
        await delay(backoffMs(this.deaths - 1, Math.random(), RESTART_BACKOFF), undefined, { signal });
      }
    }
  }

  private ensureRunning(): Running {
    if (this.running?.process.ended === undefined && this.running !== undefined) return this.running;
    const process = TrainerProcess.start(this.launch, this.runDirectory);
    const running = { process, ready: untilReady(process) };
    this.running = running;
    // A trainer that cannot begin is ending; whoever asks next gets a new one, because the reason may be gone.
    running.ready.catch(() => {
      if (this.running === running) this.running = undefined;
    });
    return running;
  }
}

function untilReady(process: TrainerProcess): Promise<TrainerReady> {
  return new Promise((resolve, reject) => {
    process.on('message', (message) => {
      if (message.type === 'ready') resolve(message);
      if (message.type === 'failed' && message.assignmentId === null) reject(fromProblem(message.problem));
    });
    process.once('ended', reject);
  });
}

async function performOnce(process: TrainerProcess, task: TrainerTask): Promise<TrainingMoments | undefined> {
  const { assignmentId, folder, signal, onProgress } = task;
  if (process.ended !== undefined) throw process.ended;
  const finished = Promise.withResolvers<TrainingMoments | undefined>();
  const onMessage = (message: TrainerMessage): void => {
    if (!('assignmentId' in message) || message.assignmentId !== assignmentId) return;
    if (message.type === 'progress') onProgress(message);
    else if (message.type === 'done') finished.resolve(message.moments);
    else finished.reject(fromProblem(message.problem));
  };
  const onAbort = (): void => {
    process.send({ type: 'cancel', assignmentId });
    finished.reject(signal.reason);
  };
  process.on('message', onMessage);
  process.once('ended', finished.reject);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    process.send({ type: 'task', folder });
    return await finished.promise;
  } finally {
    process.off('message', onMessage);
    process.off('ended', finished.reject);
    signal.removeEventListener('abort', onAbort);
  }
}
