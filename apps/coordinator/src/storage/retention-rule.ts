import type { Recipe } from '@tributary/protocol';

export type Retention = Recipe['retention'];

/** What the rule is asked about: versions of one run. */
export interface KeptVersions {
  readonly retention: Retention;
  /** Number of the newest version. */
  readonly latest: number;
  /** Versions that somebody needs: released, or trained from by an open assignment. */
  readonly inUse: ReadonlySet<number>;
}

/**
 * Whether the files of a model version stay: the initial one, the last two (a site may still be downloading the one
 * before the newest), those in use, and for looking back those after 1, 2, 5, 10, 20, 50 … rounds and every `weightsEvery`.
 */
export function keepsVersion(round: number, { retention, latest, inUse }: KeptVersions): boolean {
  const { weightsEvery } = retention;
  if (round === 0 || round >= latest - 1 || inUse.has(round)) return true;
  return isMilestone(round) || (weightsEvery !== undefined && round % weightsEvery === 0);
}

/** Whether the updates of a round that has ended stay. Those of abandoned rounds never do: they count nowhere. */
export function keepsUpdates(
  round: { readonly n: number; readonly isPublished: boolean },
  { retention, latest }: Pick<KeptVersions, 'retention' | 'latest'>,
): boolean {
  return round.isPublished && round.n > latest - retention.updateRounds;
}

/** 1, 2 or 5 times a power of ten. */
function isMilestone(round: number): boolean {
  return /^[125]0*$/.test(String(round));
}
