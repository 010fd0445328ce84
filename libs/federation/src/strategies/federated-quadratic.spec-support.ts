import { emaDecayAt } from '../averages/ema-decay.js';
import { segmentsOf } from '../aggregation/coverage.js';
import { createRoundStep } from '../aggregation/round-step.js';
import { clipScales, initSurvey, scaleSurvey, scaleUpdates, surveyWindow } from '../aggregation/survey.js';
import { controlChange } from '../local/scaffold.js';
import type { SiteContribution } from '../combiners/combiner.js';
import type { Range } from '../vectors/range.js';
import { createStrategy } from './create-strategy.js';
import type { Strategy } from './strategy.js';
import type { StrategyOptions } from './strategy-options.js';

/** A site whose loss is 1/2 * sum of curvature_i * (x_i - centre_i)^2: the smallest model of non-IID data. */
export interface QuadraticSite {
  readonly curvature: readonly number[];
  readonly centre: readonly number[];
  readonly images?: number;
  readonly localSteps?: number;
  /** Sends this instead of an honest update. */
  readonly attack?: (honest: Float32Array, round: number) => Float32Array;
}

export interface QuadraticRun {
  readonly strategy: StrategyOptions;
  readonly sites: readonly QuadraticSite[];
  readonly rounds: number;
  readonly localLearningRate: number;
  readonly emaDecay?: number;
}

/** Where the image-weighted loss of all sites is least: the answer of training on pooled data. */
export function pooledOptimum(sites: readonly QuadraticSite[]): number[] {
  const length = sites[0]?.centre.length ?? 0;
  return Array.from({ length }, (_, i) => {
    const pull = (site: QuadraticSite) => (site.images ?? 1) * (site.curvature[i] ?? 0);
    const total = sites.reduce((sum, site) => sum + pull(site), 0);
    return sites.reduce((sum, site) => sum + pull(site) * (site.centre[i] ?? 0), 0) / total;
  });
}

/** Server side of a run, in memory. */
export interface ServerModel {
  readonly weights: Float32Array;
  readonly average: Float32Array;
  readonly state: readonly Float32Array[];
}

export interface RoundInMemory {
  readonly strategy: Strategy;
  readonly sites: readonly SiteContribution[];
  /** By vector, then by site. */
  readonly updates: readonly (readonly Float32Array[])[];
  /** Numbers that each site contributes to; absent: all. */
  readonly covered?: readonly (readonly Range[])[];
  readonly emaDecay?: number;
}

export function initialModel(strategy: Strategy, weights: Float32Array): ServerModel {
  const { stateVectors } = strategy.serverOptimiser;
  return { weights, average: weights, state: stateVectors.map(({ initial }) => weights.map(() => initial)) };
}

/** One round of the pure core over whole vectors. */
export function aggregateInMemory(model: ServerModel, round: RoundInMemory): ServerModel {
  const { strategy, sites, updates } = round;
  const { weights, average, state } = model;
  const everything = sites.map(() => [{ begin: 0, end: weights.length }]);
  const survey = initSurvey(sites.length, { distances: true });
  surveyWindow(survey, updates[0] ?? []);
  const scales = clipScales(survey.squaredNorms, strategy.clipNorm);
  scaleUpdates(updates, scales);
  const next = createRoundStep({
    strategy,
    round: { sites, survey: scaleSurvey(survey, scales) },
    segments: segmentsOf(weights.length, round.covered ?? everything),
    emaDecays: [round.emaDecay ?? 0],
    blockLength: weights.length,
  });
  const nextWeights = new Float32Array(weights.length);
  const nextAverage = new Float32Array(weights.length);
  const nextState = state.map(() => new Float32Array(weights.length));
  next({
    begin: 0,
    updates,
    weights,
    state,
    nextWeights,
    nextState,
    averages: [{ previous: average, next: nextAverage }],
  });
  return { weights: nextWeights, average: nextAverage, state: nextState };
}

/** Weights after every round of federated gradient descent. */
export function trainQuadratic(run: QuadraticRun): { weights: number[][]; averages: number[][] } {
  const strategy = createStrategy(run.strategy, run.sites.length);
  const length = run.sites[0]?.centre.length ?? 0;
  let model = initialModel(strategy, new Float32Array(length));
  const locals = run.sites.map(() => new Float32Array(length));
  const history = { weights: [] as number[][], averages: [] as number[][] };
  for (let round = 0; round < run.rounds; round++) {
    const [control] = run.strategy.kind === 'scaffold' ? model.state : [];
    const sent = run.sites.map((site, k) =>
      localRound({ site, run, weights: model.weights, control, local: locals[k], round }),
    );
    model = aggregateInMemory(model, {
      strategy,
      sites: run.sites.map(({ images = 1, localSteps = 10 }, k) => ({
        siteId: `s${k}`,
        images,
        localSteps,
        staleness: 0,
      })),
      updates: strategy.updateVectors.map((_, vector) => sent.flatMap((vectors) => vectors[vector] ?? [])),
      emaDecay: emaDecayAt({ kind: 'constant', decay: run.emaDecay ?? 0 }, round),
    });
    history.weights.push([...model.weights]);
    history.averages.push([...model.average]);
  }
  return history;
}

interface LocalRoundOptions {
  readonly site: QuadraticSite;
  readonly run: QuadraticRun;
  readonly weights: Float32Array;
  readonly control: Float32Array | undefined;
  /** The site's control variate; changed. */
  readonly local: Float32Array | undefined;
  readonly round: number;
}

/** Gradient descent at one site. Returns the vectors of its update, ascending by name. */
export function localRound({ site, run, weights: global, control, local, round }: LocalRoundOptions): Float32Array[] {
  const { curvature, centre, localSteps = 10 } = site;
  const weights = global.slice();
  const gradientSum = new Float32Array(global.length);
  const mu = run.strategy.kind === 'fedprox' ? run.strategy.mu : 0;
  for (let step = 0; step < localSteps; step++) {
    for (const [i, x] of weights.entries()) {
      const gradient = (curvature[i] ?? 0) * (x - (centre[i] ?? 0));
      gradientSum[i] = (gradientSum[i] ?? 0) + gradient;
      const proximal = mu * (x - (global[i] ?? 0));
      const correction = (control?.[i] ?? 0) - (control ? (local?.[i] ?? 0) : 0);
      weights[i] = x - run.localLearningRate * (gradient + proximal + correction);
    }
  }
  const honest = weights.map((x, i) => x - (global[i] ?? 0));
  const update = site.attack?.(honest, round) ?? honest;
  if (!control || !local) return [update];
  const change = controlChange({ localControl: local, gradientSum, localSteps });
  for (const [i, value] of change.entries()) local[i] = (local[i] ?? 0) + value;
  return [change, update];
}

/** Euclidean distance. */
export function distance(a: readonly number[] | undefined, b: readonly number[]): number {
  return Math.hypot(...b.map((value, i) => value - (a?.[i] ?? NaN)));
}
