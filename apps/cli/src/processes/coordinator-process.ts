import { TributaryError } from '@tributary/protocol/errors';
import { z } from 'zod';
import { ApiClient } from '../http/api-client.js';
import { COORDINATOR_ALLOCATOR, COORDINATOR_MAIN } from './app-paths.js';
import { BackgroundProcess } from './background-process.js';
import { runProgram } from './run-program.js';

const initSchema = z.object({ apiKey: z.string().min(1) });
const readySchema = z.object({ url: z.url() });

export interface CoordinatorLaunch {
  /** Made where there is none. */
  readonly dataDirectory: string;
  readonly stdoutFile: string;
  readonly stderrFile: string;
  /** True when it shall go on after this command has ended. */
  readonly detached: boolean;
  readonly signal: AbortSignal;
  /** Told as soon as there is a process, before it serves. */
  readonly onStart: (started: BackgroundProcess) => Promise<unknown>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunningCoordinator {
  readonly api: ApiClient;
  readonly url: string;
  readonly apiKey: string;
  readonly dataDirectory: string;
}

/** Makes a coordinator with its own secrets and an embedded database, and starts it on a free port of this machine. */
export async function launchCoordinator(launch: CoordinatorLaunch): Promise<RunningCoordinator> {
  const { dataDirectory, stdoutFile, stderrFile, detached, signal, env } = launch;
  const init = ['init', '--data-dir', dataDirectory, '--format', 'json'];
  const { apiKey } = await runProgram(COORDINATOR_MAIN, init, {
    title: 'coordinator init',
    schema: initSchema,
    signal,
  });
  const coordinator = new BackgroundProcess({
    title: 'the coordinator',
    main: COORDINATOR_MAIN,
    args: ['start', '--data-dir', dataDirectory, '--host', '127.0.0.1', '--port', '0', '--format', 'json'],
    stdoutFile,
    stderrFile,
    detached,
    env: { ...COORDINATOR_ALLOCATOR, ...env },
  });
  await launch.onStart(coordinator);
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
