import { TributaryError, type ErrorCode } from '@tributary/protocol';

/** What each event turns each state into; a pair that is missing is an illegal move. */
export type Transitions<State extends string, Event extends string> = Readonly<
  Record<State, Readonly<Partial<Record<Event, State>>>>
>;

/**
 * The state that follows.
 *
 * @throws TributaryError `illegal`, which names the state and the event.
 */
export function nextState<State extends string, Event extends string>(
  table: Transitions<State, Event>,
  { state, event, illegal }: { readonly state: State; readonly event: Event; readonly illegal: ErrorCode },
): State {
  const next = table[state][event];
  if (next === undefined) throw new TributaryError(illegal, { detail: `"${event}" in state "${state}"`, state, event });
  return next;
}
