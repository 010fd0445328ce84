import { parameterCount, type ParameterEntry } from '@tributary/protocol/manifest';
import type { Strategy } from '../strategies/strategy.js';
import { openFloatFile } from '../vectors/float-file.js';
import { createFloatFile, type FloatSink } from '../vectors/float-file-sink.js';
import type { FloatSource } from '../vectors/float-source.js';
import { partialSource } from '../vectors/partial-source.js';
import { updateManifest } from '../vectors/vector-names.js';
import type { AggregationRequest, UpdateInput } from './aggregation-request.js';
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
  const open = (path: string, manifest = request.manifest): FloatSource => {
    const opened = openFloatFile(path, manifest);
    undo.push(() => opened.close());
    return opened;
  };
  const create = (path: string): FloatSink => {
    const sink = createFloatFile(path, request.manifest);
    undo.push(() => sink.discard());
    return sink;
  };
  const openKept = (path: string | undefined) => (path === undefined ? undefined : open(path));
  try {
    const { stateVectors } = strategy.serverOptimiser;
    return {
      updates: updates.map((update) => openUpdate(update, { manifest: request.manifest, strategy, open })),
      global: open(request.globalPath),
      average: request.ema && open(request.ema.previousPath ?? request.globalPath),
      state: stateVectors.map(({ name }) => openKept(request.statePaths[name])),
      out: {
        weights: create(request.out.weightsPath),
        average: request.ema && create(required(request.out.emaPath, 'out.emaPath')),
        state: stateVectors.map(({ name }) => create(required(request.out.statePaths[name], `out.statePaths.${name}`))),
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

interface OpenUpdateOptions {
  readonly manifest: ParameterEntry[];
  readonly strategy: Strategy;
  readonly open: (path: string, manifest: ParameterEntry[]) => FloatSource;
}

function openUpdate(update: UpdateInput, { manifest, strategy, open }: OpenUpdateOptions): FloatSource {
  const vectors = strategy.updateVectors;
  if (update.parameters === undefined) return open(update.path, updateManifest(manifest, vectors));
  const names = new Set(update.parameters);
  const heldManifest = manifest.filter(({ name }) => names.has(name));
  const length = parameterCount(manifest);
  const heldRanges = coveredRanges(manifest, { parameters: update.parameters });
  const shifted = vectors.flatMap((_, vector) =>
    heldRanges.map(({ begin, end }) => ({ begin: begin + vector * length, end: end + vector * length })),
  );
  return partialSource(open(update.path, updateManifest(heldManifest, vectors)), shifted, length * vectors.length);
}

function required(path: string | undefined, field: string): string {
  if (path === undefined) throw new RangeError(`${field} is needed for this strategy`);
  return path;
}
