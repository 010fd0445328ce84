import type { RandomStream } from '@tributary/random';

/** Square images with a yes or no each. */
export interface LabelledImages {
  /** `[n, imageSize, imageSize, channels]`, -1 to 1. */
  readonly images: Float32Array;
  /** `[n]`, 1 for a lesion, 0 for none. */
  readonly isLesion: Int32Array;
}

export interface BatchShape {
  readonly batchSize: number;
  readonly imageSize: number;
  readonly channels: number;
}

const MAXIMUM_SHIFT = 2;

/**
 * Draws a batch half of lesions and half of the rest, whatever their shares in the data, each image mirrored by chance and moved by
 * up to two pixels. Equal shares weigh the classes as a class-weighted loss does, with less noise when lesions are few.
 */
export class BalancedBatches {
  private readonly sides: readonly number[][];

  /** @throws RangeError if the data lack lesions or lack images without. */
  constructor(
    private readonly data: LabelledImages,
    private readonly shape: BatchShape,
  ) {
    this.sides = [0, 1].map((side) => indicesOf(data.isLesion, side));
    if (this.sides.some((side) => side.length === 0))
      throw new RangeError('training needs images with and without lesion');
  }

  draw(random: RandomStream): { images: Float32Array; labels: Float32Array } {
    const { batchSize, imageSize, channels } = this.shape;
    const imageLength = imageSize * imageSize * channels;
    const images = new Float32Array(batchSize * imageLength);
    const labels = Float32Array.from({ length: batchSize }, (_, row) => row % 2);
    labels.forEach((label, row) => {
      const side = this.sides[label] ?? [];
      const index = side[random.integer(side.length)] ?? 0;
      const source = this.data.images.subarray(index * imageLength, (index + 1) * imageLength);
      this.copyMoved(source, images.subarray(row * imageLength, (row + 1) * imageLength), random);
    });
    return { images, labels };
  }

  /** What a shift brings in from outside repeats the edge. */
  private copyMoved(source: Float32Array, target: Float32Array, random: RandomStream): void {
    const { imageSize, channels } = this.shape;
    const mirrored = random.integer(2) === 1;
    const down = random.integer(2 * MAXIMUM_SHIFT + 1) - MAXIMUM_SHIFT;
    const right = random.integer(2 * MAXIMUM_SHIFT + 1) - MAXIMUM_SHIFT;
    const inside = (position: number) => Math.min(Math.max(position, 0), imageSize - 1);
    for (let y = 0; y < imageSize; y++) {
      const row = inside(y - down) * imageSize;
      for (let x = 0; x < imageSize; x++) {
        const column = inside(x - right);
        const from = (row + (mirrored ? imageSize - 1 - column : column)) * channels;
        const to = (y * imageSize + x) * channels;
        for (let channel = 0; channel < channels; channel++) target[to + channel] = source[from + channel] ?? 0;
      }
    }
  }
}

function indicesOf(labels: Int32Array, side: number): number[] {
  return [...labels.keys()].filter((index) => labels[index] === side);
}
