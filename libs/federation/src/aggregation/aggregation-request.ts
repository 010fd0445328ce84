import type { ParameterEntry } from '@tributary/protocol/manifest';
import type { StrategyRecipe } from '../strategies/create-strategy.js';
import type { FloatSource } from '../vectors/float-source.js';
import type { WrittenFile } from '../vectors/float-file-sink.js';
import type { Coverage } from './coverage.js';

/** Where a vector is read from: a safetensors file, or any source (tests, other stores). */
export type VectorSource = string | FloatSource;

/** One site's update and what is known of it. */
export interface UpdateInput extends Coverage {
  readonly siteId: string;
  /** Training images: the update's weight. */
  readonly images: number;
  /** Local optimiser steps; 1 when it does not matter (only FedNova reads it). */
  readonly localSteps?: number;
  /** Rounds behind, for asynchronous runs; default 0. */
  readonly staleness?: number;
  /** A path must lead to a file of exactly the parameters that the coverage names. */
  readonly source: VectorSource;
}

/** Everything that decides a round's outcome. Structured-clone safe as long as sources are paths. */
export interface AggregationRequest {
  readonly strategy: StrategyRecipe;
  /** 0 for the first round of the run. */
  readonly roundIndex: number;
  /** Sites of the run, whether or not they took part (SCAFFOLD). */
  readonly siteCount: number;
  readonly manifest: readonly ParameterEntry[];
  /** In any order, one a site. */
  readonly updates: readonly UpdateInput[];
  /** The global weights that the round started from. */
  readonly global: VectorSource;
  /** Server-side moving average; without `previous` it starts at the global weights. */
  readonly ema?: { readonly decay: number; readonly previous?: VectorSource };
  /** The server's vectors by name as the last round left them; absent ones start at their initial value. */
  readonly state?: Readonly<Record<string, VectorSource>>;
  /** Paths of the files to write; `ema` exactly when there is an average, `state` by vector name. */
  readonly out: { readonly weights: string; readonly ema?: string; readonly state?: Readonly<Record<string, string>> };
  /** Memory for all windows together; default 4 MiB. */
  readonly windowBytes?: number;
}

export interface AggregationProgress {
  readonly bytesRead: number;
  readonly totalBytes: number;
}

export interface UpdateNorm {
  readonly siteId: string;
  /** Euclidean norm of the update as it was sent. */
  readonly norm: number;
  /** Factor that clipping applied, in (0, 1]. */
  readonly scale: number;
}

export interface AggregationResult {
  readonly weights: WrittenFile;
  readonly ema?: WrittenFile;
  readonly state: Readonly<Record<string, WrittenFile>>;
  /** Bytes of updates read, over all passes. */
  readonly bytesRead: number;
  /** Ascending by site id. */
  readonly updateNorms: readonly UpdateNorm[];
  /** Euclidean norm of the combined update, before the server optimiser. */
  readonly combinedNorm: number;
}
