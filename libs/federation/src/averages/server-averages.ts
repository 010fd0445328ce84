import type { ServerEma } from '@tributary/protocol/server-ema';
import { emaDecayAt } from './ema-decay.js';
import { gammaOfWidth } from './power-function.js';

/** An average of the global weights that the server keeps. */
export interface ServerAverage {
  /** Of its vector; null: the one that is evaluated and released. */
  readonly name: string | null;
  /** Share of the old average that this round keeps. */
  readonly decay: number;
}

/**
 * The averages of a run in one round; the first is the one that is evaluated and released.
 *
 * @param roundIndex 0 for the first round.
 */
export function serverAverages(settings: ServerEma, roundIndex: number): [ServerAverage, ...ServerAverage[]] {
  if (settings.kind !== 'power-function') return [{ name: null, decay: emaDecayAt(settings, roundIndex) }];
  const decayOf = (width: number): number =>
    emaDecayAt({ kind: 'power-function', gamma: gammaOfWidth(width) }, roundIndex);
  const [released = NaN, ...others] = settings.widths;
  return [
    { name: null, decay: decayOf(released) },
    ...others.map((width) => ({ name: averageName(width), decay: decayOf(width) })),
  ];
}

const PREFIX = 'average-';

/** Name of the vector of an average that is not the released one. */
function averageName(width: number): string {
  return `${PREFIX}${width}`;
}

/** Width of the average that a vector of the server is; null for a vector of the strategy. */
export function widthOfVector(name: string): number | null {
  return name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length)) : null;
}
