import { PNG } from 'pngjs';

/** A picture of bytes: `pixels` is `[heightPx, widthPx, channels]`. */
export interface Picture {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
}

const COLOUR_TYPE = { 1: 0, 3: 2 } as const;

/** A PNG file, grey or RGB, 8 bits. */
export function encodePng({ widthPx, heightPx, channels, pixels }: Picture): Buffer {
  if (pixels.length !== widthPx * heightPx * channels) {
    throw new RangeError(`${widthPx * heightPx * channels} bytes expected, got ${pixels.length}`);
  }
  const colorType = COLOUR_TYPE[channels];
  const png = new PNG({ width: widthPx, height: heightPx });
  png.data = Buffer.from(pixels);
  return PNG.sync.write(png, { bitDepth: 8, colorType, inputColorType: colorType, inputHasAlpha: false });
}
