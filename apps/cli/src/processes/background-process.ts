import { TributaryError } from '@tributary/protocol/errors';
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { LASTING_PROGRAM_FLAGS } from './app-paths.js';
import { codedErrorIn } from './coded-output.js';

const POLL_MS = 50;
const STOP_WAIT_MS = 8000;

/**
 * Loaded into a program that must not outlive this command: the channel between them closes when this process ends, by kill -9
 * too, and the program then stops as if it had been asked to.
 */
const FOLLOW_PARENT = `data:text/javascript,${encodeURIComponent(
  'process.once("disconnect", () => process.kill(process.pid, "SIGTERM")); process.channel?.unref();',
)}`;

export interface BackgroundProcessOptions {
  /** What it is, for messages: `the agent of site-a`. */
  readonly title: string;
  readonly main: string;
  readonly args: readonly string[];
  /** Standard output and standard error go here, so that the process can outlive this one. */
  readonly stdoutFile: string;
  readonly stderrFile: string;
  /** True when the process shall go on after this command has ended; otherwise it ends with it, whatever that dies of. */
  readonly detached: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** A Node program that runs beside this command, with its streams in files. */
export class BackgroundProcess {
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  private isStopping = false;

  constructor(private readonly options: BackgroundProcessOptions) {
    const stdout = openSync(options.stdoutFile, 'w', 0o600);
    const stderr = openSync(options.stderrFile, 'w', 0o600);
    const flags = options.detached ? LASTING_PROGRAM_FLAGS : [...LASTING_PROGRAM_FLAGS, '--import', FOLLOW_PARENT];
    this.child = spawn(process.execPath, [...flags, options.main, ...options.args], {
      stdio: ['ignore', stdout, stderr, options.detached ? 'ignore' : 'ipc'],
      detached: options.detached,
      env: { ...process.env, ...options.env },
    });
    closeSync(stdout);
    closeSync(stderr);
    this.ended = new Promise((resolve) => {
      this.child.on('error', () => resolve());
      this.child.on('exit', () => resolve());
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Rejects with the process's own coded error when it ends before it was asked to; never resolves otherwise. */
  async failure(): Promise<never> {
    await this.ended;
    // A stop that was asked for is no failure: whoever waits goes on waiting for what else may happen.
    if (this.isStopping) await new Promise<never>(() => undefined);
    throw await this.reasonOfEnd();
  }

  /** The first line of standard output that `read` makes something of. */
  async firstLine<T>(read: (line: string) => T | undefined, signal: AbortSignal): Promise<T> {
    for (;;) {
      const lines = (await readFile(this.options.stdoutFile, 'utf8')).split('\n').slice(0, -1);
      const found = lines.map(read).find((value) => value !== undefined);
      if (found !== undefined) return found;
      if (signal.aborted) throw new TributaryError('INTERRUPTED');
      if (this.hasEnded()) throw await this.reasonOfEnd();
      await delay(POLL_MS);
    }
  }

  /** Asks the process to end, and ends it when it does not. */
  async stop(): Promise<void> {
    this.isStopping = true;
    if (this.hasEnded()) return;
    this.child.kill('SIGTERM');
    const timer = new AbortController();
    const patience = delay(STOP_WAIT_MS, undefined, { signal: timer.signal, ref: false }).catch(() => undefined);
    await Promise.race([this.ended, patience]);
    timer.abort();
    if (!this.hasEnded()) this.child.kill('SIGKILL');
    await this.ended;
  }

  /** Lets this command end while the process goes on. */
  release(): void {
    this.isStopping = true;
    this.child.unref();
  }

  private async reasonOfEnd(): Promise<TributaryError> {
    const texts = await Promise.all(
      [this.options.stdoutFile, this.options.stderrFile].map((file) => readFile(file, 'utf8').catch(() => '')),
    );
    const said = texts.map(codedErrorIn).find((error) => error !== undefined);
    if (said !== undefined) return said;
    const how = this.child.signalCode ?? `exit code ${this.child.exitCode ?? 'unknown'}`;
    return new TributaryError('PROCESS_ENDED', {
      detail: `${this.options.title} (${how})`,
      log: this.options.stderrFile,
    });
  }
}
