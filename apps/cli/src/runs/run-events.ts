import { runEventsResponseSchema, type RunEvent } from '@tributary/protocol/http';
import type { RunState } from '@tributary/protocol/states';
import type { ApiClient } from '../http/api-client.js';

const ENDED: readonly RunState[] = ['completed', 'failed', 'cancelled'];

export interface EventPage {
  readonly state: RunState;
  readonly events: readonly RunEvent[];
}

/** True when no further event can come. */
export function hasEnded(state: RunState): boolean {
  return ENDED.includes(state);
}

/**
 * Every event of a run in order, a page a time, until the run has ended. A page may be empty: nothing happened for
 * `waitSeconds`.
 *
 * @throws TributaryError INTERRUPTED by the client's signal, or what the coordinator answered.
 */
export async function* followRun(
  api: ApiClient,
  runId: string,
  { waitSeconds }: { readonly waitSeconds: number },
): AsyncGenerator<EventPage> {
  let after = 0;
  let ended = false;
  for (;;) {
    const query = `after=${after}&waitSeconds=${ended ? 0 : waitSeconds}`;
    const page = await api.get(`/v1/runs/${encodeURIComponent(runId)}/events?${query}`, runEventsResponseSchema);
    yield page;
    after = page.events.at(-1)?.seq ?? after;
    ended = hasEnded(page.state);
    if (ended && page.events.length === 0) return;
  }
}
