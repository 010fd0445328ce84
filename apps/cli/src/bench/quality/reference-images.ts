import { concatenated } from '@tributary/layers/parameters/concatenated';
import { randomStream } from '@tributary/random';
import { drawIndices } from './draw-indices.js';
import type { PhantomImages } from './phantom-images.js';

/** What images are measured against, and what the best and the worst that a row can be are made of: `[count, sizePx, sizePx, 1]`. */
export interface ReferenceImages {
  readonly heldOut: Float32Array;
  /** Of training patients. */
  readonly real: Float32Array;
  /** The mean of all training images, over and over. */
  readonly mean: Float32Array;
  /** White, of unit variance. */
  readonly noise: Float32Array;
}

export interface ReferenceOptions {
  readonly sizePx: number;
  /** Images of each reference but the held-out ones. */
  readonly count: number;
  readonly seed: number;
}

/** The same references for the same phantom and seed. */
export function referenceImages({ train, heldOut }: PhantomImages, options: ReferenceOptions): ReferenceImages {
  const { sizePx, count, seed } = options;
  const size = sizePx ** 2;
  const { images } = train;
  const chosen = drawIndices(images.length / size, count, randomStream(seed, 'real'));
  const noise = new Float32Array(count * size);
  randomStream(seed, 'noise').fillNormal(noise);
  return {
    heldOut: heldOut.images,
    real: concatenated(Array.from(chosen, (index) => images.subarray(index * size, (index + 1) * size))),
    mean: concatenated(Array.from({ length: count }, () => meanImage(images, size))),
    noise,
  };
}

function meanImage(images: Float32Array, size: number): Float32Array {
  const mean = new Float64Array(size);
  images.forEach((value, i) => (mean[i % size] = (mean[i % size] ?? 0) + (value * size) / images.length));
  return Float32Array.from(mean);
}
