import { parameterCount, type ParameterEntry } from '@tributary/protocol/manifest';
import { openCompressedFile } from '../compression/compressed-file.js';
import { codecOf } from '../compression/codec-of.js';
import type { Strategy } from '../strategies/strategy.js';
import { heldManifest } from '../exchange/exchanged-vector.js';
import type { OpenBytes } from '../vectors/byte-source.js';
import { openFloatFile } from '../vectors/float-file.js';
import { FloatFileSink, syncFolders } from '../vectors/float-file-sink.js';
import type { HashFile } from '../vectors/file-hash.js';
import type { FloatSource } from '../vectors/float-source.js';
import { partialSource } from '../vectors/partial-source.js';
import { updateManifest } from '../vectors/vector-names.js';
import type { AggregationRequest, AggregationResult, UpdateInput } from './aggregation-request.js';
import { coveredRanges } from './coverage.js';
import type { RoundWindow } from './round-step.js';

/** A vector that the server keeps: where it is read from, if anywhere, and where its next value goes. */
interface KeptVector {
  readonly name: string;
  readonly initial: number;
  readonly source: FloatSource | undefined;
  readonly sink: FloatFileSink;
}

interface OpenedFiles {
  /** Ascending by site id; each as long as all vectors of an update together. */
  readonly updates: FloatSource[];
  readonly global: FloatSource;
  readonly nextWeights: FloatFileSink;
  /** In the order of the request. */
  readonly averages: readonly { readonly source: FloatSource; readonly sink: FloatFileSink }[];
  readonly state: KeptVector[];
}

/** What a round is made from. */
export interface RoundInputs {
  readonly request: AggregationRequest;
  readonly strategy: Strategy;
  /** Ascending by site id. */
  readonly updates: readonly UpdateInput[];
  /** Opens what the request's paths name. */
  readonly open: OpenBytes;
  /** Hashes what is written. */
  readonly hashFile: HashFile;
}

/** The open files of one round. */
export class RoundFiles {
  private constructor(
    private readonly length: number,
    private readonly files: OpenedFiles,
    private readonly closers: (() => Promise<void>)[],
  ) {}

  /** Opens all inputs and creates all outputs of a round, or leaves nothing open. */
  static async open(inputs: RoundInputs): Promise<RoundFiles> {
    const closers: (() => Promise<void>)[] = [];
    try {
      const files = await openAll(inputs, closers);
      return new RoundFiles(parameterCount(inputs.request.manifest), files, closers);
    } catch (error) {
      await closeAll(closers);
      throw error;
    }
  }

  async readUpdates({ begin, updates }: RoundWindow): Promise<void> {
    const reading = updates.flatMap((sites, vector) =>
      sites.map(async (values, site) => this.files.updates[site]?.read(vector * this.length + begin, values)),
    );
    await Promise.all(reading);
  }

  async readServerVectors({ begin, weights, state, averages }: RoundWindow): Promise<void> {
    const { files } = this;
    await Promise.all([
      files.global.read(begin, weights),
      ...averages.map(async ({ previous }, index) => files.averages[index]?.source.read(begin, previous)),
      ...state.map(async (values, vector) => files.state[vector]?.source?.read(begin, values)),
    ]);
    for (const [vector, { source, initial }] of files.state.entries()) if (!source) state[vector]?.fill(initial);
  }

  async write({ nextWeights, nextState, averages }: RoundWindow): Promise<void> {
    const { files } = this;
    await Promise.all([
      files.nextWeights.write(nextWeights),
      ...averages.map(async ({ next }, index) => files.averages[index]?.sink.write(next)),
      ...nextState.map(async (values, vector) => files.state[vector]?.sink.write(values)),
    ]);
  }

  /** Makes the outputs durable and visible, the weights last. */
  async commit(): Promise<Pick<AggregationResult, 'weights' | 'averages' | 'state'>> {
    const { nextWeights, averages, state } = this.files;
    const sinks = [nextWeights, ...[...averages, ...state].map(({ sink }) => sink)];
    await Promise.all(sinks.map((sink) => sink.settle()));
    const written: AggregationResult['state'] = Object.fromEntries(
      await Promise.all(state.map(async ({ name, sink }) => [name, await sink.commit()] as const)),
    );
    const writtenAverages = await Promise.all(averages.map(({ sink }) => sink.commit()));
    const weights = await nextWeights.commit();
    await syncFolders(sinks.map(({ path }) => path));
    return { weights, averages: writtenAverages, state: written };
  }

  /** Closes what is read and removes what was not committed. */
  async close(): Promise<void> {
    await closeAll(this.closers);
  }
}

/** @param closers Filled as files are opened. */
async function openAll(
  { request, strategy, updates, open: openBytes, hashFile }: RoundInputs,
  closers: (() => Promise<void>)[],
): Promise<OpenedFiles> {
  const { manifest, globalPath, statePaths, out } = request;
  const tracked = (source: FloatSource): FloatSource => {
    closers.push(() => source.close());
    return source;
  };
  const open = async (path: string) => tracked(await openFloatFile(await openBytes(path), manifest));
  const create = async (path: string | undefined, field: string) => {
    if (path === undefined) throw new RangeError(`${field} is needed for this request`);
    const sink = await FloatFileSink.create(path, manifest, hashFile);
    closers.push(() => sink.discard());
    return sink;
  };

  const opened: FloatSource[] = [];
  for (const update of updates) {
    const { updateVectors: vectors } = strategy;
    opened.push(tracked(await openUpdate(update, { manifest, vectors, open: openBytes })));
  }
  const state: KeptVector[] = [];
  for (const { name, initial } of strategy.serverOptimiser.stateVectors) {
    const path = statePaths[name];
    const source = path === undefined ? undefined : await open(path);
    state.push({ name, initial, source, sink: await create(out.statePaths[name], `out.statePaths.${name}`) });
  }
  const averages: { source: FloatSource; sink: FloatFileSink }[] = [];
  for (const { previousPath, path } of request.averages) {
    averages.push({ source: await open(previousPath ?? globalPath), sink: await create(path, 'averages.path') });
  }
  const global = await open(globalPath);
  return { updates: opened, global, averages, nextWeights: await create(out.weightsPath, 'out.weightsPath'), state };
}

interface UpdateContents {
  readonly manifest: readonly ParameterEntry[];
  readonly vectors: readonly string[];
  readonly open: OpenBytes;
}

async function openUpdate(
  { path, parameters, compression }: UpdateInput,
  { manifest, vectors, open }: UpdateContents,
): Promise<FloatSource> {
  const held = parameters === undefined ? manifest : heldManifest(manifest, parameters);
  const codec = codecOf(compression);
  const stored = updateManifest(held, vectors);
  const bytes = await open(path);
  const source = await (codec
    ? openCompressedFile(bytes, codec, parameterCount(stored))
    : openFloatFile(bytes, stored));
  if (parameters === undefined) return source;
  const length = parameterCount(manifest);
  const ranges = coveredRanges(manifest, { parameters });
  const everyVector = vectors.flatMap((_, vector) =>
    ranges.map(({ begin, end }) => ({ begin: begin + vector * length, end: end + vector * length })),
  );
  return partialSource(source, everyVector, length * vectors.length);
}

async function closeAll(closers: readonly (() => Promise<void>)[]): Promise<void> {
  for (const close of closers) await close();
}
