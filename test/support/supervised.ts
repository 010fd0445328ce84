import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from './processes.js';

/** Between the end of a process and the next start, unless a kill says otherwise. */
const RESTART_AFTER_MS = 300;

/** A process that is started again whenever it ends, as systemd or an orchestrator would do. */
export class Supervised {
  private program: Program | undefined;
  private loop: Promise<void> = Promise.resolve();
  private restartAfterMs = RESTART_AFTER_MS;
  private killed = false;
  private readonly stopping = new AbortController();

  /**
   * @param onExit Called when it ended without having been killed here.
   */
  constructor(
    private readonly launch: () => Program,
    private readonly onExit: (code: number | null) => void,
  ) {}

  /** @param running A process that was started before and is watched from now on. */
  start(running?: Program): void {
    this.loop = this.run(running);
  }

  /** Process id; undefined while it is down. */
  get pid(): number | undefined {
    return this.program?.pid;
  }

  /** SIGKILL; it is started again after `downMs`. @returns False when it was down already. */
  kill(downMs: number): boolean {
    const { program } = this;
    if (program === undefined) return false;
    this.killed = true;
    this.restartAfterMs = downMs;
    return program.child.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.program?.child.kill('SIGKILL');
    await this.loop;
  }

  private async run(running: Program | undefined): Promise<void> {
    const { signal } = this.stopping;
    for (let next = running; ; next = undefined) {
      this.program = next ?? this.launch();
      const code = await this.program.exited;
      this.program = undefined;
      if (!this.killed && !signal.aborted) this.onExit(code);
      const downMs = this.restartAfterMs;
      this.killed = false;
      this.restartAfterMs = RESTART_AFTER_MS;
      const isOver = await sleep(downMs, false, { signal }).catch(() => true);
      if (isOver) return;
    }
  }
}
