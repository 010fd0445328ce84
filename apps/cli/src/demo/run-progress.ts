import type { RunEvent, RunView } from '@tributary/protocol/http';
import { formatLoss, formatSeconds, formatTraffic } from '../output/quantities.js';
import { progressBar } from '../output/progress.js';

const SHOWN_ROUNDS = 6;

/** One finished round as the live view tells it. */
export interface RoundLine {
  readonly n: number;
  readonly answered: number;
  readonly loss: number | null;
  readonly seconds: number;
  readonly bytesUp: number;
  /** What they would be without compression and partial exchange; 0 when not told. */
  readonly plainBytesUp: number;
}

/** What is known of a run while it goes on. */
export interface RunProgress {
  readonly rounds: number;
  readonly sites: number;
  readonly finished: readonly RoundLine[];
  readonly view: RunView | null;
}

export const NO_PROGRESS: RunProgress = { rounds: 0, sites: 0, finished: [], view: null };

/** Takes in a newer view of the run. */
export function withView(progress: RunProgress, view: RunView): RunProgress {
  return { ...progress, view, rounds: view.rounds, sites: Math.max(progress.sites, view.sites.length) };
}

/** Takes in what has happened since; a round that is told twice counts once. */
export function withEvents(progress: RunProgress, events: readonly RunEvent[]): RunProgress {
  const finished = new Map(progress.finished.map((round) => [round.n, round]));
  for (const event of events) {
    if (event.kind === 'round.published' && event.round !== null)
      finished.set(event.round, roundLineOf(event.round, event));
  }
  return { ...progress, finished: [...finished.values()].sort((a, b) => a.n - b.n) };
}

function roundLineOf(n: number, { detail }: RunEvent): RoundLine {
  const number = (name: string): number | null => {
    const value = detail[name];
    return typeof value === 'number' ? value : null;
  };
  return {
    n,
    answered: number('answered') ?? 0,
    loss: number('loss'),
    seconds: number('seconds') ?? 0,
    bytesUp: number('bytesUp') ?? 0,
    plainBytesUp: number('plainBytesUp') ?? 0,
  };
}

/** `Round 3 of 8 · 3 of 3 sites · loss 0.041 · 12 s · 4.3 MB up` */
export function roundText(progress: RunProgress, round: RoundLine): string {
  return [
    `Round ${round.n} of ${progress.rounds}`,
    `${round.answered} of ${progress.sites} sites`,
    `loss ${formatLoss(round.loss)}`,
    formatSeconds(round.seconds),
    `${formatTraffic(round.bytesUp, round.plainBytesUp)} up`,
  ].join(' · ');
}

/** One line that says where the run is, for places where nothing can be redrawn. */
export function milestoneText(progress: RunProgress, elapsedSeconds: number): string {
  const { view, finished } = progress;
  const last = finished.at(-1);
  const now = nowText(view);
  if (view?.state === 'evaluating') return `Evaluating · ${now}`;
  if (last === undefined) return `Before the first round · ${now}`;
  if (finished.length === progress.rounds) return roundText(progress, last);
  return `${roundText(progress, last)}${timeLeft(progress, elapsedSeconds)} · ${now}`;
}

/** The block of the live view: a bar, the last rounds, what each site is doing. */
export function liveLines(progress: RunProgress, elapsedSeconds: number): string[] {
  const { view, finished, rounds } = progress;
  const done = finished.length;
  const head = `${progressBar(done, rounds)} ${done} of ${rounds} rounds · ${formatSeconds(elapsedSeconds)}${timeLeft(progress, elapsedSeconds)}`;
  const lines = finished.slice(-SHOWN_ROUNDS).map((round) => `  ${roundText(progress, round)}`);
  return [head, ...lines, `  now: ${nowText(view)}`];
}

function timeLeft({ finished, rounds }: RunProgress, elapsedSeconds: number): string {
  const done = finished.length;
  if (done < 3 || done >= rounds) return '';
  return ` · about ${formatSeconds((elapsedSeconds / done) * (rounds - done))} left`;
}

/** What each site is doing, or what the run waits for. */
function nowText(view: RunView | null): string {
  if (view === null) return 'connecting';
  const sites = view.assignments.map((each) => {
    const share = each.done !== null && each.total !== null && each.total > 0 ? each.done / each.total : null;
    return `${each.siteId} ${each.stage ?? each.state}${share === null ? '' : ` ${Math.round(100 * share)} %`}`;
  });
  return sites.join(', ') || (view.waitingFor ?? view.state);
}
