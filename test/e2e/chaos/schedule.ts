import { randomStream, type RandomStream } from '@tributary/random';

export const SITES = ['site-a', 'site-b', 'site-c'] as const;
export type Site = (typeof SITES)[number];

/** What is killed with SIGKILL. The aggregation worker is a thread of the coordinator and dies with it; `machine`: everything at once. */
export type Victim = 'coordinator' | 'database' | 'agent' | 'trainer' | 'machine';

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

const LINK_FAULTS = ['drop', 'reset', 'cut', 'slow', 'silent', 'cable', 'address'] as const;

/**
 * `drop`: all connections are closed. `reset`: each is reset as soon as something passes. `cut`: each is closed after some
 * kilobytes. `silent`: everything is swallowed, and nobody is told. `cable`: no packet passes. `address`: the site gets
 * another one; its old connections are half-open.
 */
export interface LinkFault {
  readonly kind: (typeof LINK_FAULTS)[number];
  readonly site: Site;
  /** How long it lasts, where it does. */
  readonly forMs: number;
}

/** No room, for a while, on the disk of the coordinator or of a site. */
export interface FullDisk {
  readonly kind: 'full-disk';
  readonly disk: Disk;
  readonly forMs: number;
}

export type Disk = 'coordinator' | Site;

export type Fault = (Kill | LinkFault | FullDisk) & {
  /** Before the fault. */
  readonly pauseMs: number;
};

type Kind = Victim | LinkFault['kind'] | FullDisk['kind'];

/** How often each fault comes, relative to the others. */
const WEIGHTS: readonly (readonly [kind: Kind, weight: number])[] = [
  ['coordinator', 12],
  ['agent', 8],
  ['trainer', 8],
  ['database', 6],
  ['machine', 2],
  ['drop', 4],
  ['reset', 1],
  ['cut', 1],
  ['slow', 2],
  ['silent', 1],
  ['cable', 1],
  ['address', 1],
  ['full-disk', 1],
];
const LONGEST_PAUSE_MS = 1_500;
const LONGEST_DOWN_MS = 1_000;
const LONGEST_DELAY_MS = 120;
const LONGEST_BAD_LINK_MS = 3_000;
/** Longer than the heartbeat takes to find it, sometimes. */
const LONGEST_SILENCE_MS = 30_000;
const LONGEST_FULL_DISK_MS = 4_000;

/** Faults without end; the same seed gives the same ones. */
export function* faults(seed: number): Generator<Fault, never> {
  const random = randomStream(seed, 'chaos');
  for (;;) {
    const kind = weighted(random);
    const pauseMs = random.integer(LONGEST_PAUSE_MS);
    yield { ...faultOf(kind, random), pauseMs };
  }
}

function faultOf(kind: Kind, random: RandomStream): Kill | LinkFault | FullDisk {
  const site = oneOf(SITES, random);
  if (kind === 'full-disk') {
    return { kind, disk: oneOf(['coordinator', ...SITES], random), forMs: random.integer(LONGEST_FULL_DISK_MS) };
  }
  if (isLinkFault(kind)) {
    const longestMs = kind === 'silent' || kind === 'cable' ? LONGEST_SILENCE_MS : LONGEST_BAD_LINK_MS;
    return { kind, site, forMs: random.integer(longestMs) };
  }
  return { kind: 'kill', victim: kind, site, ...killing(random) };
}

function isLinkFault(kind: Kind): kind is LinkFault['kind'] {
  return LINK_FAULTS.some((fault) => fault === kind);
}

function oneOf<T>(choices: readonly [T, ...T[]], random: RandomStream): T {
  return choices[random.integer(choices.length)] ?? choices[0];
}

function killing(random: RandomStream): Pick<Kill, 'moment' | 'delayMs' | 'downMs'> {
  return {
    moment: random.integer(2) === 0 ? 'now' : 'upload',
    delayMs: random.integer(LONGEST_DELAY_MS),
    downMs: random.integer(LONGEST_DOWN_MS),
  };
}

function weighted(random: RandomStream): Kind {
  let place = random.integer(WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [kind, weight] of WEIGHTS) {
    if (place < weight) return kind;
    place -= weight;
  }
  throw new RangeError('the place lies within the weights');
}
