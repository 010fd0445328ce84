import type { Recipe } from '@tributary/protocol';

export type RetentionRules = Pick<Recipe, 'retention' | 'serverEma'>;

/** Snapshots of power-function averages at even distances: at least so many in a run that is long enough, fewer than twice as many. */
const FEWEST_SNAPSHOTS = 16;

/** What the rule is asked about: versions of one run. */
export interface KeptVersions {
  readonly rules: RetentionRules;
  /** Number of the newest version. */
  readonly latest: number;
  /** Versions that somebody needs: released, or trained from by an open assignment. */
  readonly inUse: ReadonlySet<number>;
}

/**
 * Whether the files of a model version stay: the initial one, the last two (a site may still be downloading the one
 * before the newest), those in use, and for looking back those after 1, 2, 5, 10, 20, 50 … rounds and every `weightsEvery`.
 * Without that, power-function averages are kept at even distances, so that those of other widths can be put together.
 */
export function keepsVersion(round: number, { rules, latest, inUse }: KeptVersions): boolean {
  const { weightsEvery = snapshotDistance(rules, latest) } = rules.retention;
  if (round === 0 || round >= latest - 1 || inUse.has(round)) return true;
  return isMilestone(round) || (weightsEvery !== undefined && round % weightsEvery === 0);
}

/** Whether the updates of a round that has ended stay. Those of abandoned rounds never do: they count nowhere. */
export function keepsUpdates(
  round: { readonly n: number; readonly isPublished: boolean },
  { rules, latest }: Pick<KeptVersions, 'rules' | 'latest'>,
): boolean {
  return round.isPublished && round.n > latest - rules.retention.updateRounds;
}

/** A power of two, so that what is kept at a larger distance was kept at the smaller one. */
function snapshotDistance({ serverEma }: RetentionRules, latest: number): number | undefined {
  if (serverEma.kind !== 'power-function') return undefined;
  return 2 ** Math.max(0, Math.floor(Math.log2(latest / FEWEST_SNAPSHOTS)));
}

/** 1, 2 or 5 times a power of ten. */
function isMilestone(round: number): boolean {
  return /^[125]0*$/.test(String(round));
}
