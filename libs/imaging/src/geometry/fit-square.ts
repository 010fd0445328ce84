import type { DecodedImage } from '../folder/image-file.js';
import { resampleAxis } from './resample-axis.js';

/** An image fitted into a square. */
export interface SquareImage {
  /** `[sizePx, sizePx, channels]`; 0 on the margin. */
  readonly pixels: Float32Array;
  /** The part that the image fills; the rest is margin. */
  readonly inside: { readonly left: number; readonly top: number; readonly widthPx: number; readonly heightPx: number };
}

/**
 * Resizes an image into the middle of a square and keeps its physical proportions. Shrinking takes the mean of the area
 * that a pixel covers, enlarging interpolates linearly.
 */
export function fitSquare(image: DecodedImage, sizePx: number): SquareImage {
  const width = image.widthPx * image.pixelSpacing.x;
  const height = image.heightPx * image.pixelSpacing.y;
  const scale = sizePx / Math.max(width, height);
  const widthPx = Math.max(1, Math.round(width * scale));
  const heightPx = Math.max(1, Math.round(height * scale));
  const left = Math.floor((sizePx - widthPx) / 2);
  const top = Math.floor((sizePx - heightPx) / 2);
  const { channels } = image;
  const narrow = resampleAxis(image.pixels, [image.heightPx, image.widthPx, channels], widthPx);
  const small = resampleAxis(narrow, [1, image.heightPx, widthPx * channels], heightPx);
  const pixels = new Float32Array(sizePx * sizePx * channels);
  for (let row = 0; row < heightPx; row++) {
    const from = row * widthPx * channels;
    pixels.set(small.subarray(from, from + widthPx * channels), ((top + row) * sizePx + left) * channels);
  }
  return { pixels, inside: { left, top, widthPx, heightPx } };
}
