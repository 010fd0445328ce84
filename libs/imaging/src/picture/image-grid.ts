import type { Picture } from './png.js';

/** Images to lay out in rows: `images` is `[count, sizePx, sizePx, channels]`, −1 (black) to 1 (white). */
export interface ImageGridOptions {
  readonly images: Float32Array;
  readonly sizePx: number;
  readonly channels: 1 | 3;
  readonly columns: number;
  /** Each pixel becomes a square of so many. */
  readonly zoom?: number;
  readonly gapPx?: number;
}

/** Lays images out row by row on black; values outside −1 … 1 are cut off. */
export function imageGrid({ images, sizePx, channels, columns, zoom = 1, gapPx = 2 }: ImageGridOptions): Picture {
  const valuesPerImage = sizePx * sizePx * channels;
  const count = images.length / valuesPerImage;
  if (!Number.isInteger(count) || columns < 1)
    throw new RangeError(`whole images of ${valuesPerImage} values expected`);
  const rows = Math.ceil(count / columns);
  const cellPx = sizePx * zoom + gapPx;
  const widthPx = Math.max(1, columns * cellPx + gapPx);
  const heightPx = Math.max(1, rows * cellPx + gapPx);
  const pixels = new Uint8Array(widthPx * heightPx * channels);
  for (let image = 0; image < count; image++) {
    const left = gapPx + (image % columns) * cellPx;
    const top = gapPx + Math.floor(image / columns) * cellPx;
    for (let y = 0; y < sizePx * zoom; y++) {
      for (let x = 0; x < sizePx * zoom; x++) {
        const from = image * valuesPerImage + (Math.floor(y / zoom) * sizePx + Math.floor(x / zoom)) * channels;
        const to = ((top + y) * widthPx + left + x) * channels;
        for (let channel = 0; channel < channels; channel++)
          pixels[to + channel] = toByte(images[from + channel] ?? -1);
      }
    }
  }
  return { widthPx, heightPx, channels, pixels };
}

/** −1 … 1 to 0 … 255. */
function toByte(value: number): number {
  return Math.round(255 * Math.min(1, Math.max(0, (value + 1) / 2)));
}
