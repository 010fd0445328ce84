import { emaDecayAt } from '../aggregation/exponential-average.js';
import { createRoundStep } from '../aggregation/round-step.js';
import { clipScales, initSurvey, scaleSurvey, scaleUpdates, surveyWindow } from '../aggregation/survey.js';
import { addProximalGradient } from '../local/proximal.js';
import { addControlDifference, controlUpdate } from '../local/scaffold.js';
import { createStrategy } from './create-strategy.js';
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
  /** FedProx's μ. */
  readonly mu?: number;
  readonly emaDecay?: number;
  readonly start?: readonly number[];
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

/** Weights after every round of federated gradient descent, in memory. */
export function trainQuadratic(run: QuadraticRun): { weights: number[][]; averages: number[][] } {
  const length = run.sites[0]?.centre.length ?? 0;
  const strategy = createStrategy(run.strategy, 1);
  let weights = Float32Array.from(run.start ?? Array.from({ length }, () => 0));
  let average = weights;
  let state = strategy.serverOptimiser.stateVectors.map(({ initial }) => new Float32Array(length).fill(initial));
  const locals = run.sites.map(() => new Float32Array(length));
  const history = { weights: [] as number[][], averages: [] as number[][] };
  for (let round = 0; round < run.rounds; round++) {
    const [control] = run.strategy.kind === 'scaffold' ? state : [];
    const sent = run.sites.map((site, k) => localRound({ site, run, weights, control, local: locals[k], round }));
    const updates = strategy.updateVectors.map((_, vector) =>
      sent.map((vectors) => vectors[vector] ?? new Float32Array(0)),
    );
    const survey = initSurvey(run.sites.length, { distances: true });
    surveyWindow(survey, updates[0] ?? []);
    const scales = clipScales(survey.squaredNorms, strategy.clipNorm);
    scaleUpdates(updates, scales);
    const sites = run.sites.map(({ images = 1, localSteps = 10 }, k) => ({
      siteId: `s${k}`,
      images,
      localSteps,
      staleness: 0,
    }));
    const next = createRoundStep({
      strategy,
      round: { sites, survey: scaleSurvey(survey, scales) },
      segments: [{ begin: 0, end: length, group: sites.map((_, k) => k) }],
      emaDecay: emaDecayAt(run.emaDecay ?? 0, round),
      blockLength: length,
    });
    const [nextWeights, nextAverage] = [new Float32Array(length), new Float32Array(length)];
    const nextState = state.map(() => new Float32Array(length));
    next({
      begin: 0,
      updates,
      weights,
      state,
      nextWeights,
      nextState,
      average: { previous: average, next: nextAverage },
    });
    [weights, average, state] = [nextWeights, nextAverage, nextState];
    history.weights.push([...weights]);
    history.averages.push([...average]);
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

/** Gradient descent at one site; returns the vectors of its update, ascending by name. */
function localRound({ site, run, weights: global, control, local, round }: LocalRoundOptions): Float32Array[] {
  const { curvature, centre, localSteps = 10 } = site;
  const weights = global.slice();
  for (let step = 0; step < localSteps; step++) {
    const gradient = weights.map((x, i) => (curvature[i] ?? 0) * (x - (centre[i] ?? 0)));
    addProximalGradient(run.mu ?? 0, { gradient, weights, global });
    if (control && local) addControlDifference(gradient, { control, localControl: local });
    for (const [i, g] of gradient.entries()) weights[i] = (weights[i] ?? 0) - run.localLearningRate * g;
  }
  const honest = weights.map((x, i) => x - (global[i] ?? 0));
  const update = site.attack?.(honest, round) ?? honest;
  if (!control || !local) return [update];
  const change = controlUpdate({ control, update, localSteps, localLearningRate: run.localLearningRate });
  for (const [i, value] of change.entries()) local[i] = (local[i] ?? 0) + value;
  return [change, update];
}

/** Euclidean distance. */
export function distance(a: readonly number[] | undefined, b: readonly number[]): number {
  return Math.hypot(...b.map((value, i) => value - (a?.[i] ?? NaN)));
}
