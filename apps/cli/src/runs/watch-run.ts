import { runViewSchema, type RunEvent } from '@tributary/protocol/http';
import { fromProblem } from '@tributary/protocol/problem';
import type { Action } from '../command-context.js';
import { argumentAt } from '../verb-options.js';
import { eventLine } from './event-line.js';
import { followRun } from './run-events.js';

const LONG_POLL_SECONDS = 20;

/** Streams one line an event until the run ends; fails with the run's problem when the run failed. */
export const watchRun: Action = async (context, { arguments: values }) => {
  const runId = argumentAt(values, 0, 'id');
  const api = await context.api();
  for await (const page of followRun(api, runId, { waitSeconds: LONG_POLL_SECONDS })) {
    for (const event of page.events) context.output.streamed(event, `${timeOf(event)} ${eventLine(event)}`);
  }
  const run = await api.get(`/v1/runs/${encodeURIComponent(runId)}`, runViewSchema);
  // The failure is the one document then.
  if (run.state === 'failed' && run.problem !== null) throw fromProblem(run.problem);
  if (context.output.format === 'json') context.output.document(run, '');
};

/** The time of day in UTC: `18:00:07`. */
function timeOf({ at }: RunEvent): string {
  return new Date(at).toISOString().slice(11, 19);
}
