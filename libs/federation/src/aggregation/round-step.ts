import type { Combiner, CombineWindow, SurveyedRound } from '../combiners/combiner.js';
import type { Strategy } from '../strategies/strategy.js';
import type { Segment } from './coverage.js';
import { averageWeights } from '../averages/average-weights.js';
import { addSquaredNorms } from './measures.js';

/** One window of everything that a round reads and writes. All arrays have the same length; `next*` are overwritten. */
export interface RoundWindow {
  /** Place of the window's first number in the flat vector. */
  readonly begin: number;
  /** By vector of the update, then by site. */
  readonly updates: readonly (readonly Float32Array[])[];
  readonly weights: Float32Array;
  readonly state: readonly Float32Array[];
  readonly nextWeights: Float32Array;
  readonly nextState: readonly Float32Array[];
  readonly averages: readonly { readonly previous: Float32Array; readonly next: Float32Array }[];
}

export interface RoundStepOptions {
  readonly strategy: Strategy;
  readonly round: SurveyedRound;
  /** Who contributes where; together they tile the vector, ascending. */
  readonly segments: readonly Segment[];
  /** Decay in this round of each of the windows' `averages`. */
  readonly emaDecays: readonly number[];
  /** Longest window that `next` will see. */
  readonly blockLength: number;
}

/**
 * One step: writes the window's `next*` arrays.
 *
 * @param squaredNorms When given, the squared norms of the updates are added to it; by vector and site.
 * @returns The combined updates, valid until the following step.
 */
export type RoundStep = (window: RoundWindow, squaredNorms?: readonly Float64Array[]) => Float64Array[];

/** The pure heart of a round: a function that turns each window of updates, weights and state into the next ones. */
export function createRoundStep({ strategy, round, segments, emaDecays, blockLength }: RoundStepOptions): RoundStep {
  const combiners = strategy.updateVectors.map((vector) => strategy.vectorCombiners[vector] ?? strategy.combiner);
  const plans = combiners.map((combiner) => groupPlans(combiner, round));
  const scratch = strategy.updateVectors.map(() => new Float64Array(blockLength));
  const everySite = round.sites.map((_, site) => site);

  return (window, squaredNorms) => {
    const { begin, updates, weights, nextWeights, averages } = window;
    const deltas = scratch.map((delta) => delta.subarray(0, weights.length));
    const parts = overlapping(segments, begin, begin + weights.length);
    const isWhole = parts.length === 1 && parts[0]?.group.length === everySite.length;
    const measured = isWhole ? plans.map((plan) => plan(everySite).measured) : [];
    if (squaredNorms && measured.length > 0 && measured.every((combine) => combine !== undefined)) {
      for (const [vector, delta] of deltas.entries()) {
        measured[vector]?.(updates[vector] ?? [], delta, squaredNorms[vector] ?? NO_NORMS);
      }
    } else {
      if (squaredNorms) addSquaredNorms(updates, squaredNorms);
      for (const { group, ...part } of parts) {
        const [from, to] = [part.begin - begin, part.end - begin];
        for (const [vector, delta] of deltas.entries()) {
          const values = group.flatMap((site) => updates[vector]?.[site]?.subarray(from, to) ?? []);
          plans[vector]?.(group)(values, delta.subarray(from, to));
        }
      }
    }
    strategy.serverOptimiser.step({ ...window, deltas });
    for (const part of parts) if (part.group.length === 0) keep(window, part.begin - begin, part.end - begin);
    for (const [index, { previous, next }] of averages.entries()) {
      averageWeights(emaDecays[index] ?? 0, { average: previous, weights: nextWeights, next });
    }
    return deltas;
  };
}

const NO_NORMS = new Float64Array(0);

/** Where no site contributes nothing moves: neither by the momentum of earlier rounds nor by weight decay. */
function keep({ weights, state, nextWeights, nextState }: RoundWindow, from: number, to: number): void {
  nextWeights.set(weights.subarray(from, to), from);
  for (const [index, vector] of state.entries()) nextState[index]?.set(vector.subarray(from, to), from);
}

/** Plans are made once a group. */
function groupPlans(combiner: Combiner, round: SurveyedRound): (group: readonly number[]) => CombineWindow {
  const planGroup = combiner.prepare(round);
  const plans = new Map<string, CombineWindow>();
  return (group) => {
    const key = group.join();
    const plan = plans.get(key) ?? (group.length > 0 ? planGroup(group) : standStill);
    plans.set(key, plan);
    return plan;
  };
}

const standStill: CombineWindow = (_, delta) => delta.fill(0);

function overlapping(segments: readonly Segment[], begin: number, end: number): Segment[] {
  return segments
    .filter((segment) => segment.end > begin && segment.begin < end)
    .map((segment) => ({ ...segment, begin: Math.max(segment.begin, begin), end: Math.min(segment.end, end) }));
}
