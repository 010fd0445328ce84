import { Inject, Injectable } from '@nestjs/common';
import {
  createStrategy,
  serverStep,
  updateInput,
  type AggregationRequestInput,
  type UpdateNorm,
} from '@tributary/federation';
import { serverAverages, type ServerAverage } from '@tributary/federation/averages/server-averages';
import type { BlobRef, Recipe } from '@tributary/protocol';
import type { ParameterManifest } from '@tributary/protocol/manifest';
import { BlobStore } from '../platform/blobs/blob-store.js';
import { INSTANCE, type Instance } from '../platform/replicas/instance.js';
import { Metrics } from '../platform/metrics/metrics.js';
import { UpdateThreadService } from '../update-thread/update-thread.service.js';
import { AggregationTurns } from './aggregation-turns.js';

/** Memory for the windows of one aggregation. */
const WINDOW_BYTES = 8 * 1024 ** 2;

export interface ReceivedUpdate {
  /** The assignment's: an asynchronous round may count two updates of a site. */
  readonly id: string;
  readonly siteId: string;
  readonly sha256: string;
  readonly images: number;
  readonly steps: number;
  /** Versions that were published while it was made; 0 in rounds whose sites wait for each other. */
  readonly staleness: number;
}

/** What the coordinator keeps of a run from round to round. */
export interface ServerVectors {
  readonly weights: BlobRef;
  readonly ema: BlobRef;
  /** The strategy's own vectors and the averages of other widths, by name. */
  readonly state: Readonly<Record<string, BlobRef>>;
}

export interface RoundToAggregate {
  readonly studyId: string;
  readonly roundId: string;
  /** From 1. */
  readonly n: number;
  readonly recipe: Recipe;
  /** Sites of the run in the order of their ids. */
  readonly sites: readonly string[];
  readonly manifest: ParameterManifest;
  readonly updates: readonly ReceivedUpdate[];
  readonly previous: ServerVectors;
}

export interface AggregatedRound extends ServerVectors {
  readonly updateNorms: readonly UpdateNorm[];
}

/** An average of this round and the files that it goes from and to. */
interface AverageFiles extends ServerAverage {
  readonly previousPath: string | undefined;
  readonly path: string;
}

@Injectable()
export class AggregationService {
  constructor(
    private readonly blobs: BlobStore,
    private readonly thread: UpdateThreadService,
    private readonly turns: AggregationTurns,
    private readonly metrics: Metrics,
    @Inject(INSTANCE) private readonly instance: Instance,
  ) {}

  /** Rounds that wait for their turn or are being aggregated. */
  get queueDepth(): number {
    return this.turns.depth;
  }

  /**
   * The next global weights and their moving averages, as blobs. The same updates give the same bytes, so doing it again after
   * a crash changes nothing. It waits for its turn when others are being aggregated.
   *
   * @throws TributaryError as the strategy does, DISK_FULL; an Error when `signal` is aborted.
   */
  aggregate(round: RoundToAggregate, signal: AbortSignal): Promise<AggregatedRound> {
    const cost = round.updates.length * round.previous.weights.sizeBytes;
    return this.turns.take({ owner: round.studyId, cost }, signal, () => this.write(round, signal));
  }

  private async write(round: RoundToAggregate, signal: AbortSignal): Promise<AggregatedRound> {
    // Replicas may share the folder: should two work on one round, each writes files of its own.
    const stagingPath = (name: string) => this.blobs.stagingPath(`${round.roundId}-${name}-${this.instance.id}`);
    const out = {
      weightsPath: stagingPath('weights'),
      statePaths: Object.fromEntries(stateNames(round).map((name) => [name, stagingPath(name)])),
    };
    const averages = this.averages(round, stagingPath);
    // One that keeps nothing of what it was is the weights.
    const written = averages.filter(({ decay }) => decay > 0);
    const startedAt = performance.now();
    const result = await this.thread.aggregate(this.request(round, { out, averages: written }), signal);
    this.metrics.aggregated(result.bytesRead, (performance.now() - startedAt) / 1000);
    const { weights, updateNorms } = result;
    await Promise.all([
      this.blobs.adopt(out.weightsPath, weights.sha256),
      ...Object.entries(result.state).map(([name, { sha256 }]) =>
        this.blobs.adopt(out.statePaths[name] ?? name, sha256),
      ),
      ...result.averages.map(({ sha256 }, index) => this.blobs.adopt(written[index]?.path ?? '', sha256)),
    ]);
    const moved = new Map(written.map(({ name }, index) => [name, result.averages[index]]));
    const [released, ...others] = averages.map(({ name }) => [name ?? '', moved.get(name) ?? weights] as const);
    if (released === undefined) throw new Error('no average is kept');
    return { weights, ema: released[1], state: { ...result.state, ...Object.fromEntries(others) }, updateNorms };
  }

  private averages({ recipe, n, previous }: RoundToAggregate, stagingPath: (name: string) => string): AverageFiles[] {
    return serverAverages(recipe.serverEma, n - 1).map(({ name, decay }) => {
      const kept = name === null ? previous.ema : previous.state[name];
      return { name, decay, previousPath: kept && this.blobs.addressOf(kept.sha256), path: stagingPath(name ?? 'ema') };
    });
  }

  private request(
    round: RoundToAggregate,
    { out, averages }: { out: AggregationRequestInput['out']; averages: readonly AverageFiles[] },
  ): AggregationRequestInput {
    const { recipe, previous } = round;
    return {
      strategy: recipe.strategy,
      siteCount: round.sites.length,
      adamW: serverStep(recipe, round.n - 1),
      manifest: round.manifest,
      updates: round.updates.map((update) => this.input(round, update)),
      globalPath: this.blobs.addressOf(previous.weights.sha256),
      averages: averages.map(({ decay, previousPath, path }) => ({ decay, previousPath, path })),
      statePaths: mapValues(previous.state, ({ sha256 }) => this.blobs.addressOf(sha256)),
      out,
      windowBytes: WINDOW_BYTES,
    };
  }

  private input(round: RoundToAggregate, update: ReceivedUpdate) {
    const { id, siteId, sha256, images, steps, staleness } = update;
    const context = { ...round, siteId, round: round.n - staleness };
    const received = { path: this.blobs.addressOf(sha256), images, localSteps: steps };
    return { ...updateInput(context, received), siteId: id, staleness };
  }
}

function stateNames({ recipe, sites }: RoundToAggregate): string[] {
  return createStrategy(recipe.strategy, sites.length).serverOptimiser.stateVectors.map(({ name }) => name);
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
