import type { TributaryError } from '@tributary/protocol';
import { z } from 'zod';
import { writeFileAtomically } from '../../durable-files/write-file-atomically.js';
import type { SiteInstallation } from '../config/site-installation.js';

/** `connection.json`: what `agent status` shows of a running agent. */
export const connectionSchema = z.object({
  state: z.enum(['connected', 'waiting', 'stopped']),
  /** Code of what it waits for, such as SITE_NOT_APPROVED. */
  code: z.string().nullable(),
  since: z.iso.datetime(),
});
export type ConnectionRecord = z.infer<typeof connectionSchema>;

/** Tells each change of the connection once: to the log and to `connection.json`. */
export class ConnectionStatus {
  private last = '';
  private writing: Promise<void> = Promise.resolve();

  constructor(private readonly installation: SiteInstallation) {}

  connected(): void {
    this.change('connected', null, 'connected to the coordinator');
  }

  disconnected(): void {
    this.change('waiting', null, 'connection lost; connecting again');
  }

  waiting(error: TributaryError): void {
    this.change('waiting', error.code, `${error.message}. ${error.spec.remedy}`);
  }

  stopped(): Promise<void> {
    this.change('stopped', null, 'stopped');
    return this.writing;
  }

  private change(state: ConnectionRecord['state'], code: string | null, message: string): void {
    const { log, paths } = this.installation;
    const now = `${state} ${code ?? ''}`;
    if (now === this.last) return;
    this.last = now;
    log.info({ connection: state, code: code ?? undefined }, message);
    const record: ConnectionRecord = { state, code, since: new Date().toISOString() };
    this.writing = this.writing
      .then(() => writeFileAtomically(paths.connectionFile, JSON.stringify(record), { durable: false }))
      .catch(() => undefined); // a status that cannot be written must not stop the work
  }
}
