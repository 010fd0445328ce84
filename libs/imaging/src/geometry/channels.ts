import type { DecodedImage } from '../folder/image-file.js';

/** Luma of ITU-R BT.601. */
const LUMA = [0.299, 0.587, 0.114] as const;

/** Grey from colour by luma, colour from grey by repetition. */
export function withChannels(image: DecodedImage, channels: 1 | 3): DecodedImage {
  if (image.channels === channels) return image;
  const count = image.widthPx * image.heightPx;
  const pixels = new Float32Array(count * channels);
  for (let pixel = 0; pixel < count; pixel++) {
    if (channels === 1) {
      const red = image.pixels[3 * pixel] ?? 0;
      const green = image.pixels[3 * pixel + 1] ?? 0;
      const blue = image.pixels[3 * pixel + 2] ?? 0;
      pixels[pixel] = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue;
    } else pixels.fill(image.pixels[pixel] ?? 0, 3 * pixel, 3 * pixel + 3);
  }
  return { ...image, channels, pixels };
}
