import { startContender, type Contender, type ContenderProgram } from './contender.js';

/** What one contender did over all rounds. */
export interface Timing {
  readonly contender: Contender;
  /** Median over the rounds. */
  readonly ms: number;
  readonly peakRssMiB: number;
}

/** Starts the programs, measures them in turn and ends them, also when one fails. The timings are in the programs' order. */
export async function timeInTurn(programs: readonly ContenderProgram[], rounds: number): Promise<Timing[]> {
  const contenders: Contender[] = [];
  try {
    for (const program of programs) contenders.push(await startContender(program));
    return await alternate(contenders, rounds);
  } finally {
    for (const contender of contenders) await contender.close();
  }
}

/** The one with the shortest time; undefined of none. */
export function quickest(timings: readonly Timing[]): Timing | undefined {
  return timings.toSorted((a, b) => a.ms - b.ms)[0];
}

/** Measures every contender once a round, in turn, so that what else the machine does meets all of them alike. */
export async function alternate(contenders: readonly Contender[], rounds: number): Promise<Timing[]> {
  const measurements = contenders.map((contender) => ({ contender, ms: new Array<number>(), peakRssMiB: 0 }));
  for (let round = 0; round < rounds; round++) {
    for (const entry of measurements) {
      const { ms, peakRssMiB } = await entry.contender.measure();
      entry.ms.push(ms);
      entry.peakRssMiB = Math.max(entry.peakRssMiB, peakRssMiB);
    }
  }
  return measurements.map((entry) => ({ ...entry, ms: median(entry.ms) }));
}

/** Middle value; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const ascending = values.toSorted((a, b) => a - b);
  const middle = ascending.length / 2;
  return ((ascending[Math.ceil(middle) - 1] ?? NaN) + (ascending[Math.floor(middle)] ?? NaN)) / 2;
}
