import { TributaryError } from '@tributary/protocol/errors';
import { parameterCount } from '@tributary/protocol/manifest';
import type { UpdateSurvey } from '../combiners/combiner.js';
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
import { readAhead } from './read-ahead.js';
import { allocateRoundBuffers, COMPUTE_LENGTH, computeBlocks, type RoundBuffers } from './round-buffers.js';
import { RoundFiles } from './round-files.js';
import { createRoundStep, type RoundWindow } from './round-step.js';
import { clipScales, initSurvey, scaleSurvey, scaleUpdates, surveyWindow, type SurveyState } from './survey.js';

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
 * Storage works while the arithmetic runs. The arithmetic keeps its thread busy: a server calls it in a worker.
 *
 * @throws TributaryError UPDATE_NOT_FINITE with the site's id; UPDATE_WRONG_MANIFEST, UPDATE_WRONG_SIZE or
 *         SAFETENSORS_INVALID for a file that is not what it should be; ROUND_QUORUM_NOT_MET with fewer updates than the
 *         strategy can work with. ZodError or RangeError for a request that is malformed or contradicts itself; the
 *         signal's reason when stopped. Nothing is left behind.
 */
export async function aggregateRound(
  input: AggregationRequestInput,
  hooks: AggregationHooks = {},
): Promise<AggregationResult> {
  const request = aggregationRequestSchema.parse(input);
  const updates = sortedBySite(request.updates);
  const strategy = createStrategy(request.strategy, updates.length / request.siteCount);
  const files = await RoundFiles.open(request, strategy, updates);
  try {
    return await new RoundAggregation({ request, strategy, updates, files, hooks }).run();
  } finally {
    await files.close();
  }
}

function sortedBySite(updates: readonly UpdateInput[]): UpdateInput[] {
  if (updates.length === 0) throw new TributaryError('ROUND_QUORUM_NOT_MET', { updates: 0 });
  const sorted = updates.toSorted((a, b) => (a.siteId < b.siteId ? -1 : 1));
  if (new Set(sorted.map(({ siteId }) => siteId)).size < sorted.length) {
    throw new RangeError('a site may send one update');
  }
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
  private bytesRead = 0;

  constructor(private readonly options: RoundAggregationOptions) {
    const { request, strategy, updates } = options;
    this.length = parameterCount(request.manifest);
    this.buffers = allocateRoundBuffers(strategy, {
      length: this.length,
      siteCount: updates.length,
      averaged: request.ema !== undefined,
      windowBytes: request.windowBytes,
    });
  }

  async run(): Promise<AggregationResult> {
    const { strategy, updates, files } = this.options;
    const surveyed = needsSurvey(strategy) ? await this.survey() : undefined;
    const scales = clipScales(surveyed?.squaredNorms ?? new Float64Array(updates.length), strategy.clipNorm);
    const { norms, combinedNorm } = await this.combine(scales, surveyed && scaleSurvey(surveyed, scales));
    const updateNorms = updates.map(({ siteId }, site) => ({
      siteId,
      norm: norms[site] ?? 0,
      scale: scales[site] ?? 1,
    }));
    return { ...(await files.commit()), bytesRead: this.bytesRead, updateNorms, combinedNorm };
  }

  private async survey(): Promise<SurveyState> {
    const { strategy, updates, files } = this.options;
    const state = initSurvey(updates.length, { distances: strategy.combiner.survey === 'distances' });
    for await (const window of this.windows((next) => files.readUpdates(next))) {
      for (const block of computeBlocks(window)) surveyWindow(state, block.updates[0] ?? []);
      this.assertFinite(state);
    }
    return state;
  }

  private async combine(scales: Float64Array, survey: UpdateSurvey | undefined) {
    const { strategy, updates, files } = this.options;
    const surveys = strategy.updateVectors.map(() => initSurvey(updates.length, { distances: false }));
    const combinedSquares = strategy.updateVectors.map(() => 0);
    const next = this.createStep(survey);
    let writing: Promise<void> = Promise.resolve();
    try {
      for await (const window of this.windows((ahead) => this.readAll(ahead))) {
        for (const block of computeBlocks(window)) {
          for (const [vector, state] of surveys.entries()) surveyWindow(state, block.updates[vector] ?? []);
          scaleUpdates(block.updates, scales);
          for (const [vector, delta] of next(block).entries()) {
            combinedSquares[vector] = squaredNorm(delta, combinedSquares[vector]);
          }
        }
        for (const state of surveys) this.assertFinite(state);
        await writing;
        writing = files.write(window);
      }
      await writing;
    } finally {
      await Promise.allSettled([writing]);
    }
    return {
      norms: updates.map((_, site) => Math.sqrt(sum(surveys.map(({ squaredNorms }) => squaredNorms[site] ?? 0)))),
      combinedNorm: Math.sqrt(sum(combinedSquares)),
    };
  }

  private createStep(survey: UpdateSurvey | undefined): ReturnType<typeof createRoundStep> {
    const { request, strategy, updates } = this.options;
    const covered = updates.map((update) => coveredRanges(request.manifest, update));
    return createRoundStep({
      strategy,
      round: { sites: updates, survey },
      segments: segmentsOf(this.length, covered),
      emaDecay: request.ema && emaDecayAt(request.ema.decay, request.roundIndex),
      blockLength: COMPUTE_LENGTH,
    });
  }

  private async *windows(read: (window: RoundWindow) => Promise<void>): AsyncGenerator<RoundWindow> {
    const { strategy, updates, hooks } = this.options;
    const passBytes = updates.length * strategy.updateVectors.length * this.length * FLOAT_BYTES;
    const totalBytes = passBytes * (needsSurvey(strategy) ? 2 : 1);
    const readWindow = async (index: number): Promise<RoundWindow> => {
      const window = this.buffers.window(index);
      await read(window);
      return window;
    };
    for await (const window of readAhead(Math.ceil(this.length / this.buffers.windowLength), readWindow)) {
      hooks.signal?.throwIfAborted();
      yield window;
      this.bytesRead += sum(window.updates.flat().map((values) => values.byteLength));
      hooks.onProgress?.({ bytesRead: this.bytesRead, totalBytes });
    }
  }

  private async readAll(window: RoundWindow): Promise<void> {
    const { files } = this.options;
    await Promise.all([files.readUpdates(window), files.readServerVectors(window)]);
  }

  private assertFinite({ squaredNorms }: SurveyState): void {
    const site = squaredNorms.findIndex((square) => !Number.isFinite(square));
    if (site >= 0) throw new TributaryError('UPDATE_NOT_FINITE', { siteId: this.options.updates[site]?.siteId });
  }
}

function needsSurvey({ clipNorm, combiner }: Strategy): boolean {
  return clipNorm !== undefined || combiner.survey !== 'none';
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
