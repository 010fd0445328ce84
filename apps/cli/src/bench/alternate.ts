import type { Contender } from './contender.js';

/** What one contender did over all rounds. */
export interface Timing {
  readonly contender: Contender;
  /** Median over the rounds. */
  readonly ms: number;
  readonly peakRssMiB: number;
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

function median(values: readonly number[]): number {
  const ascending = values.toSorted((a, b) => a - b);
  const middle = ascending.length / 2;
  return ((ascending[Math.ceil(middle) - 1] ?? NaN) + (ascending[Math.floor(middle)] ?? NaN)) / 2;
}
