import { TributaryError } from '@tributary/protocol/errors';
import { parameterCount } from '@tributary/protocol/manifest';
import type { UpdateSurvey } from '../combiners/combiner.js';
import { createStrategy } from '../strategies/create-strategy.js';
import type { Strategy } from '../strategies/strategy.js';
import { openFileBytes, type OpenBytes } from '../vectors/byte-source.js';
import { hashHere, type HashFile } from '../vectors/file-hash.js';
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
import { awaitedLater, readAhead } from '../vectors/read-ahead.js';
import { addSquaredNorms } from './measures.js';
import { allocateRoundBuffers, COMPUTE_LENGTH, computeBlocks, type RoundBuffers } from './round-buffers.js';
import { RoundFiles } from './round-files.js';
import { assertFiniteUpdates, RoundMeasures } from './round-measures.js';
import { createRoundStep, type RoundWindow } from './round-step.js';
import { clipScales, initSurvey, scaleSurvey, scaleUpdates, surveyWindow, type SurveyState } from './survey.js';

export interface AggregationHooks {
  readonly onProgress?: (progress: AggregationProgress) => void;
  readonly signal?: AbortSignal;
  /** Opens what is read, when it lies elsewhere than in files; what is written always goes to files. */
  readonly open?: OpenBytes;
  /** Hashes the files that are written; in this thread when left out. */
  readonly hashFile?: HashFile;
}

/**
 * Turns the updates of a round into the next global weights, moving averages and server state, window by window:
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
  const strategy = createStrategy(request.strategy, request.siteCount, request.adamW);
  const { open = openFileBytes, hashFile = hashHere } = hooks;
  const files = await RoundFiles.open({ request, strategy, updates, open, hashFile });
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
  private readonly siteIds: readonly string[];
  private readonly buffers: RoundBuffers;
  private bytesRead = 0;

  constructor(private readonly options: RoundAggregationOptions) {
    const { request, strategy, updates } = options;
    this.length = parameterCount(request.manifest);
    this.siteIds = updates.map(({ siteId }) => siteId);
    this.buffers = allocateRoundBuffers(strategy, {
      length: this.length,
      siteCount: updates.length,
      averages: request.averages.length,
      windowBytes: request.windowBytes,
    });
  }

  async run(): Promise<AggregationResult> {
    const { strategy, updates, files } = this.options;
    const surveyed = needsSurvey(strategy) ? await this.survey() : undefined;
    const scales = clipScales(surveyed?.squaredNorms ?? new Float64Array(updates.length), strategy.clipNorm);
    const norms = await this.combine(scales, surveyed && scaleSurvey(surveyed, scales));
    // After a failure the system may still read into them.
    this.buffers.release();
    return {
      ...(await files.commit()),
      bytesRead: this.bytesRead,
      updateNorms: updates.map(({ siteId }, site) => ({
        siteId,
        norm: norms.updates[site] ?? 0,
        scale: scales[site] ?? 1,
      })),
      combinedNorm: norms.combined,
      weightsNorm: norms.weights,
    };
  }

  private async survey(): Promise<SurveyState> {
    const { strategy, files } = this.options;
    const state = initSurvey(this.siteIds.length, { distances: strategy.combiner.survey === 'distances' });
    for await (const window of this.windows((next) => files.readUpdates(next))) {
      for (const block of computeBlocks(window)) surveyWindow(state, block.updates[0] ?? []);
      assertFiniteUpdates(state.squaredNorms, this.siteIds);
    }
    return state;
  }

  private async combine(scales: Float64Array, survey: UpdateSurvey | undefined) {
    const { strategy, files } = this.options;
    const measures = new RoundMeasures(this.siteIds, strategy.updateVectors.length);
    const next = this.createStep(survey);
    const isClipped = scales.some((scale) => scale !== 1);
    let writing: Promise<void> = Promise.resolve();
    try {
      for await (const window of this.windows((ahead) => this.readAll(ahead))) {
        for (const block of computeBlocks(window)) {
          if (isClipped) {
            addSquaredNorms(block.updates, measures.updates);
            scaleUpdates(block.updates, scales);
          }
          measures.addResult(next(block, isClipped ? undefined : measures.updates), block);
        }
        measures.assertFinite();
        await writing;
        writing = awaitedLater(files.write(window));
      }
      await writing;
    } finally {
      await Promise.allSettled([writing]);
    }
    return measures.norms();
  }

  private createStep(survey: UpdateSurvey | undefined): ReturnType<typeof createRoundStep> {
    const { request, strategy, updates } = this.options;
    const covered = updates.map((update) => coveredRanges(request.manifest, update));
    return createRoundStep({
      strategy,
      round: { sites: updates, survey },
      segments: segmentsOf(this.length, covered),
      emaDecays: request.averages.map(({ decay }) => decay),
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
}

function needsSurvey({ clipNorm, combiner }: Strategy): boolean {
  return clipNorm !== undefined || combiner.survey !== 'none';
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
