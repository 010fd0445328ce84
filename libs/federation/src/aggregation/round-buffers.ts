import { releaseChunk } from '../vectors/release-chunk.js';
import type { Strategy } from '../strategies/strategy.js';
import { FLOAT_BYTES } from '../vectors/float-file.js';
import { BLOCK_LENGTH } from './measures.js';
import type { RoundWindow } from './round-step.js';

/** One window is computed while the next one is read. */
const SLOTS = 2;

/** The memory of a round: allocated once, whatever the length of the vectors. */
export interface RoundBuffers {
  readonly windowLength: number;
  /** Window number `index`; it shares its memory with every second window. */
  window(index: number): RoundWindow;
  /** Gives the memory back, when nothing reads or writes any window. */
  release(): void;
}

export interface RoundBufferOptions {
  /** Numbers in a vector. */
  readonly length: number;
  readonly siteCount: number;
  /** Moving averages that the round keeps. */
  readonly averages: number;
  readonly windowBytes: number;
}

/** Windows of all vectors of a round that fit into `windowBytes` together, whole blocks long, one block at the least. */
export function allocateRoundBuffers(strategy: Strategy, options: RoundBufferOptions): RoundBuffers {
  const { length, siteCount, averages, windowBytes } = options;
  const vectors = strategy.updateVectors.length;
  const states = strategy.serverOptimiser.stateVectors.length;
  const floats = vectors * siteCount + 2 + 2 * states + 2 * averages;
  const bytesPerNumber = SLOTS * floats * FLOAT_BYTES;
  const windowLength = Math.max(1, Math.floor(windowBytes / bytesPerNumber / BLOCK_LENGTH)) * BLOCK_LENGTH;

  const made: Float32Array[] = [];
  const floatArray = (size: number): Float32Array => {
    const array = new Float32Array(size);
    made.push(array);
    return array;
  };
  const floatArrays = (count: number, size: number) => Array.from({ length: count }, () => floatArray(size));
  const allocateSlot = (size: number) => ({
    updates: Array.from({ length: vectors }, () => floatArrays(siteCount, size)),
    state: floatArrays(states, size),
    nextState: floatArrays(states, size),
    weights: floatArray(size),
    nextWeights: floatArray(size),
    averages: Array.from({ length: averages }, () => ({ previous: floatArray(size), next: floatArray(size) })),
  });
  const slots = Array.from({ length: SLOTS }, () => allocateSlot(Math.min(windowLength, length)));

  return {
    windowLength,
    window: (index) => {
      const begin = index * windowLength;
      const slot = slots[index % SLOTS] ?? allocateSlot(windowLength);
      return cutWindow({ begin, ...slot }, 0, Math.min(windowLength, length - begin));
    },
    release: () => made.forEach(({ buffer }) => releaseChunk(new Uint8Array(buffer))),
  };
}

/** Numbers that are computed at once: a site's block and the sums stay in the first-level caches. */
export const COMPUTE_LENGTH = 16 * BLOCK_LENGTH;

/** A window cut into pieces of at most COMPUTE_LENGTH, which share its memory. */
export function* computeBlocks(window: RoundWindow): Generator<RoundWindow> {
  for (let from = 0; from < window.weights.length; from += COMPUTE_LENGTH) {
    yield cutWindow(window, from, Math.min(from + COMPUTE_LENGTH, window.weights.length));
  }
}

function cutWindow(window: RoundWindow, from: number, to: number): RoundWindow {
  const cut = (array: Float32Array) => array.subarray(from, to);
  return {
    begin: window.begin + from,
    updates: window.updates.map((sites) => sites.map(cut)),
    weights: cut(window.weights),
    state: window.state.map(cut),
    nextWeights: cut(window.nextWeights),
    nextState: window.nextState.map(cut),
    averages: window.averages.map(({ previous, next }) => ({ previous: cut(previous), next: cut(next) })),
  };
}
