import { parameterCount, type ParameterEntry } from '@tributary/protocol/manifest';
import type { Strategy } from '../strategies/strategy.js';
import { openFloatFile } from '../vectors/float-file.js';
import { createFloatFile, type FloatSink } from '../vectors/float-file-sink.js';
import type { FloatSource } from '../vectors/float-source.js';
import { partialSource } from '../vectors/partial-source.js';
import { updateManifest } from '../vectors/vector-names.js';
import type { AggregationRequest, UpdateInput, VectorSource } from './aggregation-request.js';
import { coveredRanges } from './coverage.js';

/** The open files of one round. */
export interface RoundFiles {
  /** In the order of the updates given. Each is as long as all vectors of an update together. */
  readonly updates: readonly FloatSource[];
  readonly global: FloatSource;
  readonly average: FloatSource | undefined;
  /** By vector; undefined where nothing was kept yet. */
  readonly state: readonly (FloatSource | undefined)[];
  readonly out: {
    readonly weights: FloatSink;
    readonly average: FloatSink | undefined;
    readonly state: readonly FloatSink[];
  };
  /** Closes what is read and removes what was not committed. */
  close(): void;
}

/** Opens all inputs and creates all outputs of a round, or none. */
export function openRoundFiles(
  request: AggregationRequest,
  strategy: Strategy,
  updates: readonly UpdateInput[],
): RoundFiles {
  const undo: (() => void)[] = [];
  const close = (): void => undo.forEach((action) => action());
  const open = (source: VectorSource, manifest = request.manifest): FloatSource => {
    const opened = typeof source === 'string' ? openFloatFile(source, manifest) : source;
    undo.push(() => opened.close());
    return opened;
  };
  const create = (path: string): FloatSink => {
    const sink = createFloatFile(path, request.manifest);
    undo.push(() => sink.discard());
    return sink;
  };
  const openKept = (source: VectorSource | undefined) => (source === undefined ? undefined : open(source));
  try {
    const { stateVectors } = strategy.serverOptimiser;
    return {
      updates: updates.map((update) => openUpdate(update, { manifest: request.manifest, strategy, open })),
      global: open(request.global),
      average: request.ema && open(request.ema.previous ?? request.global),
      state: stateVectors.map(({ name }) => openKept(request.state?.[name])),
      out: {
        weights: create(request.out.weights),
        average: request.ema && create(required(request.out.ema, 'out.ema')),
        state: stateVectors.map(({ name }) => create(required(request.out.state?.[name], `out.state.${name}`))),
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

interface OpenUpdateOptions {
  readonly manifest: readonly ParameterEntry[];
  readonly strategy: Strategy;
  readonly open: (source: VectorSource, manifest: readonly ParameterEntry[]) => FloatSource;
}

function openUpdate(update: UpdateInput, { manifest, strategy, open }: OpenUpdateOptions): FloatSource {
  const vectors = strategy.updateVectors;
  if (update.parameters === undefined) return open(update.source, updateManifest(manifest, vectors));
  const names = new Set(update.parameters);
  const heldManifest = manifest.filter(({ name }) => names.has(name));
  const length = parameterCount(manifest);
  const heldRanges = coveredRanges(manifest, { parameters: update.parameters });
  const shifted = vectors.flatMap((_, vector) =>
    heldRanges.map(({ begin, end }) => ({ begin: begin + vector * length, end: end + vector * length })),
  );
  return partialSource(open(update.source, updateManifest(heldManifest, vectors)), shifted, length * vectors.length);
}

function required(path: string | undefined, field: string): string {
  if (path === undefined) throw new RangeError(`${field} is needed for this strategy`);
  return path;
}
