import { TributaryError } from '@tributary/protocol/errors';
import { z } from 'zod';
import { ApiClient } from '../http/api-client.js';
import { COORDINATOR_MAIN } from '../processes/app-paths.js';
import { BackgroundProcess } from '../processes/background-process.js';
import { runProgram } from '../processes/run-program.js';
import type { DemoSession } from './demo-session.js';

const initSchema = z.object({ apiKey: z.string().min(1) });
const readySchema = z.object({ url: z.url() });

export interface RunningCoordinator {
  readonly api: ApiClient;
  readonly url: string;
  readonly apiKey: string;
  readonly dataDirectory: string;
}

/** Makes a coordinator with its own secrets and an embedded database, and starts it on a free port of this machine. */
export async function startCoordinator(session: DemoSession): Promise<RunningCoordinator> {
  const { context, folder, options } = session;
  const dataDirectory = folder.of('coordinator');
  const { signal } = context.host;
  context.output.note('Starting the coordinator');
  const init = ['init', '--data-dir', dataDirectory, '--format', 'json'];
  const { apiKey } = await runProgram(COORDINATOR_MAIN, init, {
    title: 'coordinator init',
    schema: initSchema,
    signal,
  });
  const coordinator = await session.adopt(
    new BackgroundProcess({
      title: 'the coordinator',
      main: COORDINATOR_MAIN,
      args: ['start', '--data-dir', dataDirectory, '--host', '127.0.0.1', '--port', '0', '--format', 'json'],
      stdoutFile: folder.of('logs', 'coordinator.out'),
      stderrFile: folder.of('logs', 'coordinator.log'),
      detached: options.keep,
    }),
  );
  const { url } = await coordinator.firstLine(readReady, signal);
  return { api: new ApiClient({ url, apiKey, signal }), url, apiKey, dataDirectory };
}

function readReady(line: string): z.infer<typeof readySchema> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return readySchema.safeParse(JSON.parse(line)).data;
  } catch (error) {
    throw new TributaryError(
      'PROTOCOL_VERSION',
      { detail: 'the coordinator’s first line is not JSON' },
      { cause: error },
    );
  }
}
