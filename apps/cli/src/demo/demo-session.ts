import { TributaryError } from '@tributary/protocol/errors';
import type { CommandContext } from '../command-context.js';
import type { BackgroundProcess } from '../processes/background-process.js';
import type { DemoOptions } from './demo-options.js';
import type { OutputFolder } from './output-folder.js';
import type { DemoProfile } from './profiles.js';

/** What the steps of one demo share: where it writes, what it has started, how long each stage took. */
export class DemoSession {
  readonly processes: BackgroundProcess[] = [];
  readonly stageSeconds: { readonly stage: string; readonly seconds: number }[] = [];

  constructor(
    readonly context: CommandContext,
    readonly options: DemoOptions,
    readonly profile: DemoProfile,
    readonly folder: OutputFolder,
  ) {}

  /** Does one stage and remembers its duration; ends early when Ctrl-C came or a process that it needs has ended. */
  async stage<T>(name: string, work: () => Promise<T>): Promise<T> {
    const { signal } = this.context.host;
    if (signal.aborted) throw new TributaryError('INTERRUPTED');
    const startedAtMs = performance.now();
    const interruption = interruptionOf(signal);
    try {
      return await Promise.race([work(), interruption.promise, ...this.processes.map((each) => each.failure())]);
    } finally {
      interruption.forget();
      this.stageSeconds.push({ stage: name, seconds: (performance.now() - startedAtMs) / 1000 });
    }
  }

  /** Takes a process into the demo's care. */
  async adopt(started: BackgroundProcess): Promise<BackgroundProcess> {
    this.processes.push(started);
    await this.folder.recordProcesses(this.processIds);
    return started;
  }

  get processIds(): number[] {
    return this.processes.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  /** Ends everything that was started, the agents before the coordinator. */
  async stopAll(): Promise<void> {
    const [coordinator, ...agents] = this.processes;
    await Promise.all(agents.map((agent) => agent.stop()));
    await coordinator?.stop();
    await this.folder.recordProcesses([]);
  }
}

/** Rejects when the signal comes, until it is forgotten. */
function interruptionOf(signal: AbortSignal): { readonly promise: Promise<never>; readonly forget: () => void } {
  const listening = new AbortController();
  const promise = new Promise<never>((_, reject) => {
    const interrupt = (): void => reject(new TributaryError('INTERRUPTED'));
    signal.addEventListener('abort', interrupt, { once: true, signal: listening.signal });
  });
  return { promise, forget: () => listening.abort() };
}
