import { TributaryError } from '@tributary/protocol/errors';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { LIGHT_SITES_MAIN } from '../../processes/app-paths.js';

const enrolledSchema = z.object({
  type: z.literal('enrolled'),
  sites: z.array(z.object({ siteId: z.string(), fingerprint: z.string() })),
});
const connectedSchema = z.object({ type: z.literal('connected') });
const tallySchema = z.object({
  type: z.literal('tally'),
  offersByHint: z.int(),
  offersByQuestion: z.int(),
  uploads: z.int(),
  bytesUp: z.int(),
  failures: z.record(z.string(), z.int()),
});

/** What the sites of one process say that they did. */
export type SitesTally = z.infer<typeof tallySchema>;

export interface LightSiteOrder {
  readonly siteId: string;
  readonly token: string;
  /** What its updates add to every parameter. */
  readonly value: number;
}

/** Sites without images that share a process: they enrol, connect, answer, and say at the end what they did. */
export class LightSites {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private complaints = '';

  constructor() {
    this.child = spawn(process.execPath, [LIGHT_SITES_MAIN], { stdio: 'pipe' });
    this.child.stderr.on(
      'data',
      (text: Buffer) => (this.complaints = (this.complaints + text.toString()).slice(-1000)),
    );
    this.child.stdin.on('error', () => undefined); // its end is noticed where its answer is awaited
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** @returns The fingerprints that an admin has to approve. */
  async enrol(url: string, sites: readonly LightSiteOrder[]) {
    this.child.stdin.write(`${JSON.stringify({ url, sites })}\n`);
    return (await this.answer(enrolledSchema)).sites;
  }

  async connect(): Promise<void> {
    this.child.stdin.write('connect\n');
    await this.answer(connectedSchema);
  }

  /** Ends the process. */
  async finish(): Promise<SitesTally> {
    this.child.stdin.end();
    return this.answer(tallySchema);
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private async answer<S extends z.ZodType>(schema: S): Promise<z.infer<S>> {
    const next = await this.lines.next();
    if (next.done === true) {
      throw new TributaryError('PROCESS_ENDED', {
        detail: `light sites: ${this.complaints.trim().split('\n').at(-1) ?? ''}`,
      });
    }
    return schema.parse(JSON.parse(next.value));
  }
}
