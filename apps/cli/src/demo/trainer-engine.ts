import { TributaryError } from '@tributary/protocol/errors';
import { REPORT_FILE, reportFileSchema } from '@tributary/protocol/task-folder';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface TrainerEngine {
  readonly name: string;
  readonly device: string;
  readonly threads: number;
}

/**
 * The engine that a site's trainer has used, from the reports that its agent keeps.
 *
 * @throws TributaryError INTERNAL when the agent kept none.
 */
export async function trainerEngine(agentDirectory: string): Promise<TrainerEngine> {
  for await (const name of glob(`**/${REPORT_FILE}`, { cwd: agentDirectory })) {
    const parsed = reportFileSchema.safeParse(JSON.parse(await readFile(join(agentDirectory, name), 'utf8')));
    if (parsed.success) return parsed.data.report.engine;
  }
  throw new TributaryError('INTERNAL', { detail: 'no report of a trainer was found' });
}
