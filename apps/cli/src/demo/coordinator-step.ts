import { launchCoordinator, type RunningCoordinator } from '../processes/coordinator-process.js';
import type { DemoSession } from './demo-session.js';

/** The demo's coordinator, which outlives the command where it is asked to. */
export function startCoordinator(session: DemoSession): Promise<RunningCoordinator> {
  const { context, folder, options } = session;
  context.output.note('Starting the coordinator');
  return launchCoordinator({
    dataDirectory: folder.of('coordinator'),
    stdoutFile: folder.of('logs', 'coordinator.out'),
    stderrFile: folder.of('logs', 'coordinator.log'),
    detached: options.keep,
    signal: context.host.signal,
    onStart: (started) => session.adopt(started),
  });
}
