import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { eventually, startProgram, type Program } from '../../support/processes.js';

const COORDINATOR = 'apps/coordinator/dist/main.js';
const logLineSchema = z.object({ msg: z.string(), instance: z.string().optional() });

export interface ReplicaSettings {
  readonly environment: NodeJS.ProcessEnv;
  readonly dataDir: string;
  readonly port: number;
  readonly logFile: string;
}

/** One coordinator process of several; who it is and whom it serves is read from its log. */
export class Replica {
  private program: Program | undefined;
  /** Lines of the log that were there when the sites were last forgotten. */
  private forgotten = 0;

  constructor(private readonly settings: ReplicaSettings) {}

  /** Takes over a process that somebody else has started with these settings. */
  adopt(program: Program): void {
    this.program = program;
  }

  async start(): Promise<void> {
    const { dataDir, port, logFile, environment } = this.settings;
    const args = ['start', '--data-dir', dataDir, '--port', String(port), '--format', 'json'];
    this.program = startProgram(COORDINATOR, args, { logFile, environment });
    await eventually('the coordinator answers', async () => {
      const { ok } = await fetch(`http://127.0.0.1:${port}/health/ready`);
      return ok || undefined;
    });
  }

  async kill(): Promise<void> {
    this.program?.child.kill('SIGKILL');
    await this.program?.exited;
  }

  /** The id under which the present process takes leases. */
  instanceId(): string | undefined {
    return this.logged('coordinator is ready').at(-1)?.instance;
  }

  forgetSites(): void {
    this.forgotten = this.lines().length;
  }

  /** Connections of sites since they were forgotten. */
  connections(): number {
    return this.logged('site connected', this.forgotten).length;
  }

  private logged(message: string, from = 0): z.infer<typeof logLineSchema>[] {
    return this.lines()
      .slice(from)
      .filter((line) => line.includes(`"msg":"${message}"`))
      .map((line) => logLineSchema.parse(JSON.parse(line)));
  }

  private lines(): string[] {
    const { logFile } = this.settings;
    return existsSync(logFile) ? readFileSync(logFile, 'utf8').trimEnd().split('\n') : [];
  }
}
