import { randomStream, type RandomStream } from '@tributary/random';

export const SITES = ['site-a', 'site-b', 'site-c'] as const;
export type Site = (typeof SITES)[number];

/** What is killed with SIGKILL. The aggregation worker is a thread of the coordinator and dies with it. */
export type Victim = 'coordinator' | 'database' | 'agent' | 'trainer';

/** `upload`: just after a site has begun to send its update, when the round is about to close and the next to open. */
export type Moment = 'now' | 'upload';

export interface Kill {
  readonly kind: 'kill';
  readonly victim: Victim;
  /** The site whose agent or trainer it is, or whose upload is waited for. */
  readonly site: Site;
  readonly moment: Moment;
  readonly delayMs: number;
  /** Until it is started again. */
  readonly downMs: number;
}

export interface LinkFault {
  readonly kind: 'drop' | 'half-open' | 'slow';
  readonly site: Site;
}

export type Fault = (Kill | LinkFault) & {
  /** Before the fault. */
  readonly pauseMs: number;
};

/** How often each fault comes, relative to the others. */
const WEIGHTS: readonly (readonly [kind: Victim | LinkFault['kind'], weight: number])[] = [
  ['coordinator', 6],
  ['agent', 4],
  ['trainer', 4],
  ['database', 3],
  ['drop', 2],
  ['slow', 1],
  ['half-open', 1],
];
const LONGEST_PAUSE_MS = 1_500;
const LONGEST_DOWN_MS = 1_000;
const LONGEST_DELAY_MS = 120;

/** Faults without end; the same seed gives the same ones. */
export function* faults(seed: number): Generator<Fault, never> {
  const random = randomStream(seed, 'chaos');
  for (;;) {
    const kind = weighted(random);
    const site = SITES[random.integer(SITES.length)] ?? SITES[0];
    const pauseMs = random.integer(LONGEST_PAUSE_MS);
    if (kind === 'drop' || kind === 'half-open' || kind === 'slow') yield { kind, site, pauseMs };
    else yield { kind: 'kill', victim: kind, site, pauseMs, ...killing(random) };
  }
}

function killing(random: RandomStream): Pick<Kill, 'moment' | 'delayMs' | 'downMs'> {
  return {
    moment: random.integer(2) === 0 ? 'now' : 'upload',
    delayMs: random.integer(LONGEST_DELAY_MS),
    downMs: random.integer(LONGEST_DOWN_MS),
  };
}

function weighted(random: RandomStream): Victim | LinkFault['kind'] {
  let place = random.integer(WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [kind, weight] of WEIGHTS) {
    if (place < weight) return kind;
    place -= weight;
  }
  throw new RangeError('the place lies within the weights');
}
