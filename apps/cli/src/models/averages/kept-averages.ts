import { PostHocFit } from '@tributary/federation/averages/post-hoc-fit';
import type { PowerFunctionAverage } from '@tributary/federation/averages/power-function';
import { TributaryError } from '@tributary/protocol/errors';
import type { ModelVersion } from '@tributary/protocol/http';
import type { ServerEma } from '@tributary/protocol/server-ema';

/** Worse fits are refused: the profile would be farther from the wanted one than that of width 0.1056 is from 0.1. */
const LARGEST_RESIDUAL = 0.05;
/** Below what shows in float32. */
const LEAST_WEIGHT = 1e-9;
/** Hundredths that a refusal tries. */
const WIDTHS = Array.from({ length: 27 }, (_, i) => (i + 1) / 100);

/** An average whose file is kept. */
export interface KeptAverage extends PowerFunctionAverage {
  readonly sha256: string;
}

/** The averages of a run until a round whose files are kept; those of the round itself last. */
export function keptAverages(
  versions: readonly ModelVersion[],
  { widths: [released = NaN] }: Extract<ServerEma, { kind: 'power-function' }>,
  untilRound: number,
): KeptAverage[] {
  return versions
    .filter(({ round, prunedAt }) => prunedAt === null && round >= 1 && round <= untilRound)
    .flatMap(({ round, ema, averages }) => [
      { round, width: released, sha256: ema.sha256 },
      ...averages.map(({ width, sha256 }) => ({ round, width, sha256 })),
    ]);
}

/** A kept average with its share in another one. */
export interface AveragePart extends KeptAverage {
  readonly weight: number;
}

/**
 * What the average of a width after a round is put together from.
 *
 * @throws TributaryError EMA_WIDTH_UNREACHABLE with the widths that can be reached.
 */
export function partsOfAverage(
  kept: readonly KeptAverage[],
  { round, width }: PowerFunctionAverage,
): { readonly parts: AveragePart[]; readonly residual: number } {
  if (kept.length === 0) throw unreachable('no average is kept');
  const fitting = new PostHocFit(kept, round);
  const { weights, residual } = fitting.fit(width);
  if (residual > LARGEST_RESIDUAL) {
    const within = WIDTHS.filter((each) => fitting.fit(each).residual <= LARGEST_RESIDUAL);
    const reach = within.length === 0 ? 'no width can be reached' : `these can be reached: ${within.join(', ')}`;
    throw unreachable(
      `the profile of ${kept.length} kept averages is ${percent(residual)} from that of width ${width}, ${percent(LARGEST_RESIDUAL)} is the limit; ${reach}`,
    );
  }
  const parts = kept.map((average, i) => ({ ...average, weight: weights[i] ?? 0 }));
  return { parts: parts.filter(({ weight }) => Math.abs(weight) >= LEAST_WEIGHT), residual };
}

/** The refusal of a width, with the reason. */
export function unreachable(detail: string): TributaryError {
  return new TributaryError('EMA_WIDTH_UNREACHABLE', { detail });
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(2)} %`;
}
