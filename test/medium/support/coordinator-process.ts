import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { Api } from './api.js';

const MAIN = join(import.meta.dirname, '../../../apps/coordinator/dist/main.js');
const readySchema = z.object({ url: z.string() });
const initSchema = z.object({ apiKey: z.string() });

/** A coordinator as it is run: the built program, a process of its own. */
export class CoordinatorProcess {
  private child: ChildProcess | undefined;
  private address = '';
  private key = '';

  constructor(
    readonly dataDir: string,
    private readonly environment: NodeJS.ProcessEnv = {},
  ) {
    if (!existsSync(MAIN)) throw new Error('the coordinator is not built: npm run build');
  }

  get url(): string {
    return this.address;
  }

  get admin(): Api {
    return new Api(this.address, this.key);
  }

  get adminKey(): string {
    return this.key;
  }

  get logFile(): string {
    return `${this.dataDir}.log`;
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** Starts on a free port, or on the one of the last start. */
  async start(port = this.address === '' ? 0 : Number(new URL(this.address).port)): Promise<void> {
    this.key = initSchema.parse(JSON.parse(await this.output(['init']))).apiKey;
    const child = this.spawn(['start', '--port', String(port)]);
    this.child = child;
    child.stderr?.pipe(createWriteStream(this.logFile, { flags: 'a' }));
    this.address = readySchema.parse(JSON.parse(await firstLine(child))).url;
  }

  /** Runs a command that ends; its stdout. */
  output(args: string[]): Promise<string> {
    return firstLine(this.spawn(args));
  }

  /** Runs a command that fails; its exit code and the code it names. */
  async failure(args: string[]): Promise<{ exitCode: number | null; code: string }> {
    const child = this.spawn(args);
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
    const document = z.object({ error: z.object({ code: z.string() }) }).parse(JSON.parse(await firstLine(child)));
    return { exitCode: await exited, code: document.error.code };
  }

  /** SIGKILL: nothing is closed, nothing is said. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** SIGTERM. @returns The exit code. */
  async stop(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  private spawn(args: string[]): ChildProcess {
    return spawn(process.execPath, [MAIN, ...args, '--data-dir', this.dataDir, '--format', 'json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TRIBUTARY_SWEEP_SECONDS: '0.5', ...this.environment },
    });
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null;
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill(signal);
    return exited;
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('stdout is not piped');
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error(`the coordinator ended without a word: ${complaints.slice(-2000)}`);
}
