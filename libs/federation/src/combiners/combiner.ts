/** One site's part in a round, as it is known before any number of its update is read. */
export interface SiteContribution {
  readonly siteId: string;
  /** Training images of the site; finite, > 0. */
  readonly images: number;
  /** Local optimiser steps of this round (FedNova); finite, > 0. */
  readonly localSteps: number;
  /** Rounds that passed between the weights it trained from and now (FedBuff); 0 in a synchronous round. */
  readonly staleness: number;
}

/** What a first pass over all updates found. Sites in the order of the contributions. */
export interface UpdateSurvey {
  /** Squared Euclidean norm of each update. */
  readonly squaredNorms: Float64Array;
  /** Squared Euclidean distances, row-major [site, site]; present when a combiner asked for 'distances'. */
  readonly squaredDistances?: Float64Array;
}

export interface SurveyedRound {
  /** Ascending by site id, so that results do not depend on the order of arrival. */
  readonly sites: readonly SiteContribution[];
  /** Present unless the combiner's `survey` is 'none'. */
  readonly survey?: UpdateSurvey;
}

/** Combines one window of several updates (equal lengths) into one step; overwrites all of `delta`. */
export interface CombineWindow {
  (updates: readonly Float32Array[], delta: Float64Array): void;
  /**
   * Does the same, and adds the squared norm of each update to `squaredNorms` with the bits of `squaredNorm`. Present where one
   * pass over the updates can do both.
   */
  readonly measured?: (updates: readonly Float32Array[], delta: Float64Array, squaredNorms: Float64Array) => void;
}

/**
 * Plans the combination for the sites that sent a group of parameters, by their index in the round.
 * Called once for each distinct group; the updates of a window come in the order of `group`, which is never empty.
 */
export type PlanGroup = (group: readonly number[]) => CombineWindow;

/**
 * How the updates of a round become one step: a pure function of the round's facts, applied window by window.
 * A window's result depends on nothing but its own numbers and the plan, so the size of windows never shows.
 */
export interface Combiner {
  readonly name: string;
  /** What a first pass over all updates must find before `prepare`. */
  readonly survey: 'none' | 'distances';
  prepare(round: SurveyedRound): PlanGroup;
}
