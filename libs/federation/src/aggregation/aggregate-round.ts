import { setImmediate } from 'node:timers/promises';
import { TributaryError } from '@tributary/protocol/errors';
import { parameterCount } from '@tributary/protocol/manifest';
import type { SiteContribution, UpdateSurvey } from '../combiners/combiner.js';
import { createStrategy } from '../strategies/create-strategy.js';
import type { Strategy } from '../strategies/strategy.js';
import { FLOAT_BYTES } from '../vectors/float-file.js';
import {
  aggregationRequestSchema,
  type AggregationProgress,
  type AggregationRequest,
  type AggregationRequestInput,
  type AggregationResult,
  type UpdateInput,
} from './aggregation-request.js';
import { coveredRanges, segmentsOf } from './coverage.js';
import { emaDecayAt } from './exponential-average.js';
import { squaredNorm } from './measures.js';
import { allocateRoundBuffers, type RoundBuffers } from './round-buffers.js';
import { openRoundFiles, type RoundFiles } from './round-files.js';
import { createRoundStep, type RoundWindow } from './round-step.js';
import { clipScales, initSurvey, scaleSurvey, surveyWindow, type SurveyState } from './survey.js';

export interface AggregationHooks {
  readonly onProgress?: (progress: AggregationProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Turns the updates of a round into the next global weights, moving average and server state, window by window:
 * memory is `windowBytes` and a few numbers a site, whatever the size of the model.
 *
 * The bytes written depend on the numbers read and the request alone: not on the order of `updates`, nor on
 * `windowBytes`. Files appear under their names only when complete and durable, weights last.
 * Reads and writes are synchronous: call it in a worker thread. Between windows it lets other work run.
 *
 * @throws TributaryError UPDATE_NOT_FINITE with the site's id; UPDATE_WRONG_MANIFEST, UPDATE_WRONG_SIZE or
 *         SAFETENSORS_INVALID for a file that is not what it should be; ROUND_QUORUM_NOT_MET with fewer updates than the
 *         strategy can work with.
 * @throws RangeError for a request that contradicts itself; the signal's reason when aborted. Nothing is left behind.
 */
export async function aggregateRound(
  input: AggregationRequestInput,
  hooks: AggregationHooks = {},
): Promise<AggregationResult> {
  const request = aggregationRequestSchema.parse(input);
  const strategy = createStrategy(request.strategy, request.siteCount);
  const updates = sortedBySite(request.updates);
  const files = openRoundFiles(request, strategy, updates);
  try {
    return await new RoundAggregation({ request, strategy, updates, files, hooks }).run();
  } finally {
    files.close();
  }
}

function sortedBySite(updates: readonly UpdateInput[]): UpdateInput[] {
  if (updates.length === 0) throw new TributaryError('ROUND_QUORUM_NOT_MET', { updates: 0 });
  const sorted = updates.toSorted((a, b) => (a.siteId < b.siteId ? -1 : 1));
  if (new Set(sorted.map(({ siteId }) => siteId)).size < sorted.length)
    throw new RangeError('a site may send one update');
  return sorted;
}

interface RoundAggregationOptions {
  readonly request: AggregationRequest;
  readonly strategy: Strategy;
  /** Ascending by site id. */
  readonly updates: readonly UpdateInput[];
  readonly files: RoundFiles;
  readonly hooks: AggregationHooks;
}

/** One run over the files of a round: a surveying pass if the strategy asks for one, then the combining pass. */
class RoundAggregation {
  private readonly length: number;
  private readonly buffers: RoundBuffers;
  private readonly passes: number;
  private bytesRead = 0;

  constructor(private readonly options: RoundAggregationOptions) {
    const { request, strategy, updates } = options;
    this.length = parameterCount(request.manifest);
    this.passes = needsSurvey(strategy) ? 2 : 1;
    this.buffers = allocateRoundBuffers(strategy, {
      siteCount: updates.length,
      averaged: request.ema !== undefined,
      windowBytes: request.windowBytes,
    });
  }

  async run(): Promise<AggregationResult> {
    const { strategy, updates } = this.options;
    const surveyed = needsSurvey(strategy) ? await this.survey() : undefined;
    const scales = surveyed
      ? clipScales(surveyed.squaredNorms, strategy.clipNorm)
      : new Float64Array(updates.length).fill(1);
    const { squaredNorms, squaredCombinedNorm } = await this.combine(scales, surveyed && scaleSurvey(surveyed, scales));
    const norms = surveyed?.squaredNorms ?? squaredNorms;
    return {
      ...this.commit(),
      bytesRead: this.bytesRead,
      updateNorms: updates.map(({ siteId }, site) => ({
        siteId,
        norm: Math.sqrt(norms[site] ?? 0),
        scale: scales[site] ?? 1,
      })),
      combinedNorm: Math.sqrt(squaredCombinedNorm),
    };
  }

  private async survey(): Promise<SurveyState> {
    const { strategy, updates } = this.options;
    const state = initSurvey(updates.length, { distances: strategy.combiner.survey === 'distances' });
    for await (const window of this.windows()) {
      surveyWindow(state, window.updates[0] ?? []);
      this.assertFinite(state.squaredNorms);
    }
    return state;
  }

  private async combine(scales: Float64Array, survey: UpdateSurvey | undefined) {
    const { request, strategy, updates } = this.options;
    const norms = strategy.updateVectors.map(() => initSurvey(updates.length, { distances: false }));
    const combinedNorms = strategy.updateVectors.map(() => 0);
    const next = createRoundStep({
      strategy,
      round: { sites: updates.map(contributionOf), survey },
      segments: segmentsOf(
        this.length,
        updates.map((update) => coveredRanges(request.manifest, update)),
      ),
      emaDecay: request.ema && emaDecayAt(request.ema.decay, request.roundIndex),
      windowLength: this.buffers.windowLength,
    });
    for await (const window of this.windows()) {
      for (const [vector, state] of norms.entries()) {
        surveyWindow(state, window.updates[vector] ?? []);
        this.assertFinite(state.squaredNorms);
      }
      scaleUpdates(window, scales);
      this.readServerVectors(window);
      for (const [vector, delta] of next(window).entries()) {
        combinedNorms[vector] = squaredNorm(delta, combinedNorms[vector]);
      }
      this.write(window);
    }
    return {
      squaredNorms: updates.map((_, site) => sum(norms.map(({ squaredNorms }) => squaredNorms[site] ?? 0))),
      squaredCombinedNorm: sum(combinedNorms),
    };
  }

  private async *windows(): AsyncGenerator<RoundWindow> {
    const { files, hooks } = this.options;
    const totalBytes = this.passes * files.updates.reduce((sum, update) => sum + update.length * FLOAT_BYTES, 0);
    for (let begin = 0; begin < this.length; begin += this.buffers.windowLength) {
      const window = this.buffers.window(begin, Math.min(this.buffers.windowLength, this.length - begin));
      for (const [vector, sites] of window.updates.entries()) {
        for (const [site, values] of sites.entries()) {
          files.updates[site]?.read(vector * this.length + begin, values);
          this.bytesRead += values.byteLength;
        }
      }
      yield window;
      hooks.onProgress?.({ bytesRead: this.bytesRead, totalBytes });
      await setImmediate();
      hooks.signal?.throwIfAborted();
    }
  }

  private readServerVectors({ begin, weights, state, average }: RoundWindow): void {
    const { files, strategy } = this.options;
    files.global.read(begin, weights);
    if (average) files.average?.read(begin, average.previous);
    for (const [index, { initial }] of strategy.serverOptimiser.stateVectors.entries()) {
      const source = files.state[index];
      const values = state[index] ?? new Float32Array(0);
      if (source) source.read(begin, values);
      else values.fill(initial);
    }
  }

  private write({ nextWeights, nextState, average }: RoundWindow): void {
    const { out } = this.options.files;
    out.weights.write(nextWeights);
    if (average) out.average?.write(average.next);
    for (const [index, values] of nextState.entries()) out.state[index]?.write(values);
  }

  private commit(): Pick<AggregationResult, 'weights' | 'ema' | 'state'> {
    const { files, strategy } = this.options;
    const state = Object.fromEntries(
      strategy.serverOptimiser.stateVectors.flatMap(({ name }, index) => {
        const file = files.out.state[index]?.commit();
        return file ? [[name, file]] : [];
      }),
    );
    const ema = files.out.average?.commit();
    return { weights: files.out.weights.commit(), ema, state };
  }

  private assertFinite(squaredNorms: Float64Array): void {
    const site = squaredNorms.findIndex((square) => !Number.isFinite(square));
    if (site >= 0) throw new TributaryError('UPDATE_NOT_FINITE', { siteId: this.options.updates[site]?.siteId });
  }
}

function needsSurvey({ clipNorm, combiner }: Strategy): boolean {
  return clipNorm !== undefined || combiner.survey !== 'none';
}

function contributionOf({ siteId, images, localSteps, staleness }: UpdateInput): SiteContribution {
  return { siteId, images, localSteps, staleness };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function scaleUpdates({ updates }: RoundWindow, scales: Float64Array): void {
  for (const sites of updates) {
    for (const [site, values] of sites.entries()) {
      const scale = scales[site] ?? 1;
      if (scale === 1) continue;
      for (let i = 0; i < values.length; i++) values[i] = scale * (values[i] ?? 0);
    }
  }
}
