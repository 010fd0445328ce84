import { createHash } from 'node:crypto';
import type { DecodedImage } from '../folder/image-file.js';
import { ImageProblem } from '../folder/image-problem.js';
import { withChannels } from '../geometry/channels.js';
import { fitSquare, type SquareImage } from '../geometry/fit-square.js';

/** One labelled image at training size, its intensities still its own. */
export interface TrainingSample extends SquareImage {
  readonly patient: string;
  /** Samples with the same key share an intensity window. */
  readonly series: string;
  readonly slice: string;
  readonly classIndex: number;
}

/** An image at training size and a fingerprint of what it was made from. */
export interface PreparedImage {
  readonly square: SquareImage;
  readonly fingerprint: string;
}

/** @throws ImageProblem `blank` when the image has one value everywhere. */
export function prepareImage(
  image: DecodedImage,
  { imageSizePx, channels }: { readonly imageSizePx: number; readonly channels: 1 | 3 },
): PreparedImage {
  const finite = { ...image, pixels: finitePixels(image.pixels) };
  return { square: fitSquare(withChannels(finite, channels), imageSizePx), fingerprint: fingerprint(finite) };
}

/** NaN and infinities (common outside of the field of view) become the smallest number there is. */
function finitePixels(pixels: Float32Array): Float32Array {
  let low = Infinity;
  let high = -Infinity;
  let broken = 0;
  for (let index = 0; index < pixels.length; index++) {
    const value = pixels[index] ?? 0;
    if (!Number.isFinite(value)) broken++;
    else {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (!(high > low)) throw new ImageProblem('blank');
  return broken === 0 ? pixels : pixels.map((value) => (Number.isFinite(value) ? value : low));
}

function fingerprint({ widthPx, heightPx, channels, pixels }: DecodedImage): string {
  const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  return createHash('sha256').update(`${widthPx}x${heightPx}x${channels}:`).update(bytes).digest('base64');
}
