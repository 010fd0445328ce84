/** One stream of random numbers. `@tributary/random` gives repeatable ones; this package only needs their shape. */
export interface RandomStream {
  /** The next number of the uniform distribution on [0, 1). */
  uniform(): number;
  /** The next number of the standard normal distribution. */
  normal(): number;
  /** The next whole number, uniform on 0 … bound − 1. */
  integer(bound: number): number;
}

/** Opens the stream of that name; the same name always gives the same numbers. */
export type RandomSource = (...path: (string | number)[]) => RandomStream;

/** A source whose names all begin with `prefix`, so that a part of a program needs no knowledge of the whole. */
export function scopeRandom(random: RandomSource, ...prefix: (string | number)[]): RandomSource {
  return (...path) => random(...prefix, ...path);
}

/** The items in random order (Fisher and Yates; Knuth, TAOCP 3.4.2, algorithm P). The argument is left alone. */
export function shuffle<T>(items: readonly T[], random: RandomStream): T[] {
  const shuffled: T[] = [];
  items.forEach((item, position) => {
    const swap = random.integer(position + 1);
    const displaced = shuffled[swap];
    if (displaced === undefined) shuffled.push(item);
    else {
      shuffled.push(displaced);
      shuffled[swap] = item;
    }
  });
  return shuffled;
}
