import type { Program } from '@tributary/tensor';
import { concatenated } from '@tributary/layers/parameters/concatenated';

export interface BatchedInput {
  /** `[count, ...]`, all images one after the other. */
  readonly images: Float32Array;
  readonly count: number;
  /** The program's fixed batch size. */
  readonly batchSize: number;
}

/**
 * Runs a program with the one input `images` and the one output `values` over any number of images: one graph of fixed
 * shape serves every count, the last batch being filled up with zeros whose results are dropped.
 * @returns `[count, ...]`: the output rows of the images.
 * @throws RangeError if `images` is not `count` equal parts.
 */
export async function runInBatches(
  program: Program,
  { images, count, batchSize }: BatchedInput,
): Promise<Float32Array> {
  const imageLength = count === 0 ? 0 : images.length / count;
  if (!Number.isInteger(imageLength)) throw new RangeError(`${images.length} values are not ${count} equal images`);
  const parts: Float32Array[] = [];
  for (let start = 0; start < count; start += batchSize) {
    const rows = Math.min(batchSize, count - start);
    const batch = new Float32Array(batchSize * imageLength);
    batch.set(images.subarray(start * imageLength, (start + rows) * imageLength));
    const { values = new Float32Array() } = await program.run({ images: batch });
    parts.push(Float32Array.from(values.subarray(0, (values.length / batchSize) * rows)));
  }
  return concatenated(parts);
}
