import type { DecodedImage } from '../folder/image-file.js';

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
  const narrow = resampleRows(image.pixels, resamplingTaps(image.widthPx, widthPx), [
    image.heightPx,
    image.widthPx,
    channels,
  ]);
  const small = resampleRows(narrow, resamplingTaps(image.heightPx, heightPx), [1, image.heightPx, widthPx * channels]);
  const pixels = new Float32Array(sizePx * sizePx * channels);
  for (let row = 0; row < heightPx; row++) {
    const from = row * widthPx * channels;
    pixels.set(small.subarray(from, from + widthPx * channels), ((top + row) * sizePx + left) * channels);
  }
  return { pixels, inside: { left, top, widthPx, heightPx } };
}

interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/** For each of `to` output samples: which of `from` input samples it takes, and how much of each. Weights sum to 1. */
function resamplingTaps(from: number, to: number): Taps[] {
  const step = from / to;
  return Array.from({ length: to }, (_, index) =>
    step > 1 ? areaTaps(index * step, step, from) : linearTaps((index + 0.5) * step - 0.5, from),
  );
}

function areaTaps(start: number, step: number, from: number): Taps {
  const first = Math.min(from - 1, Math.floor(start + 1e-9));
  const last = Math.min(from, Math.ceil(start + step - 1e-9));
  const overlaps = Array.from(
    { length: last - first },
    (_, offset) => Math.min(first + offset + 1, start + step) - Math.max(first + offset, start),
  );
  const total = overlaps.reduce((sum, overlap) => sum + overlap, 0);
  return { first, weights: overlaps.map((overlap) => overlap / total) };
}

function linearTaps(position: number, from: number): Taps {
  const inside = Math.min(Math.max(position, 0), from - 1);
  const first = Math.min(Math.floor(inside), Math.max(0, from - 2));
  const share = inside - first;
  return { first, weights: from === 1 ? [1] : [1 - share, share] };
}

/** Resamples the middle axis of `[outer, length, inner]`. */
function resampleRows(
  values: Float32Array,
  taps: readonly Taps[],
  [outer, length, inner]: [number, number, number],
): Float32Array {
  const result = new Float32Array(outer * taps.length * inner);
  for (let o = 0; o < outer; o++) {
    taps.forEach(({ first, weights }, index) => {
      const to = (o * taps.length + index) * inner;
      weights.forEach((weight, tap) => {
        const from = (o * length + first + tap) * inner;
        for (let i = 0; i < inner; i++) result[to + i] = (result[to + i] ?? 0) + weight * (values[from + i] ?? 0);
      });
    });
  }
  return result;
}
