import { createHash } from 'node:crypto';
import type { DecodedImage } from '../folder/image-file.js';
import { ImageProblem } from '../folder/image-problem.js';
import { withChannels } from '../geometry/channels.js';
import { fitSquare, type SquareImage } from '../geometry/fit-square.js';

/** One labelled image or volume at training size, its intensities still its own. */
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
  const { pixels, isBlank } = finitePixels(image.pixels);
  if (isBlank) throw new ImageProblem('blank');
  const finite = { ...image, pixels };
  return { square: fitSquare(withChannels(finite, channels), imageSizePx), fingerprint: fingerprint(finite) };
}

/** One slice of a volume at training size; it may have one value everywhere. */
export function prepareSlice(
  image: DecodedImage,
  { imageSizePx, channels }: { readonly imageSizePx: number; readonly channels: 1 | 3 },
): SquareImage {
  const { pixels } = finitePixels(image.pixels);
  return fitSquare(withChannels({ ...image, pixels }, channels), imageSizePx);
}

/** NaN and infinities (common outside of the field of view) become the smallest number there is. */
function finitePixels(pixels: Float32Array): { readonly pixels: Float32Array; readonly isBlank: boolean } {
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
  const isBlank = !(high > low);
  if (broken === 0) return { pixels, isBlank };
  const lowest = Number.isFinite(low) ? low : 0;
  return { pixels: pixels.map((value) => (Number.isFinite(value) ? value : lowest)), isBlank };
}

function fingerprint({ widthPx, heightPx, channels, pixels }: DecodedImage): string {
  const bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  return createHash('sha256').update(`${widthPx}x${heightPx}x${channels}:`).update(bytes).digest('base64');
}
