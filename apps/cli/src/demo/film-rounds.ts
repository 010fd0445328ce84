const EARLY_ROUNDS = [0, 1, 2] as const;
const STEPS_OF_A_DECADE = [5, 10, 20] as const;

/** The rounds after which samples are shown: 0, 1, 2, 5, 10, 20, 50, 100 … and the last. */
export function filmedRounds(lastRound: number): number[] {
  const rounds: number[] = [...EARLY_ROUNDS];
  for (let decade = 1; decade <= lastRound; decade *= 10)
    rounds.push(...STEPS_OF_A_DECADE.map((step) => step * decade));
  return [...new Set([...rounds.filter((round) => round < lastRound), lastRound])];
}
