/**
 * How much of an image is white noise: the standard deviation of the noise over that of the whole image. About 1 in white noise,
 * however weak, and 0 in an image of one colour.
 *
 * @param image `[sizePx, sizePx]`, 3 pixels or more on a side.
 */
export function grainOf(image: Float32Array, sizePx: number): number {
  const stddev = standardDeviation(image);
  return stddev === 0 ? 0 : noiseStddev(image, sizePx) / stddev;
}

function standardDeviation(image: Float32Array): number {
  const mean = image.reduce((sum, value) => sum + value, 0) / image.length;
  return Math.sqrt(image.reduce((sum, value) => sum + (value - mean) ** 2, 0) / image.length);
}

/**
 * Standard deviation of the white noise in an image: the mean response to a mask that neither planes nor straight edges excite,
 * Immerkær 1996, "Fast noise variance estimation", eq. 3: sqrt(π/2) / 6 · mean |I * N|, N = [1 -2 1; -2 4 -2; 1 -2 1].
 */
function noiseStddev(image: Float32Array, sizePx: number): number {
  let sum = 0;
  for (let y = 1; y < sizePx - 1; y++) {
    for (let x = 1; x < sizePx - 1; x++) sum += Math.abs(maskResponse(image, y * sizePx + x, sizePx));
  }
  return (Math.sqrt(Math.PI / 2) / 6) * (sum / (sizePx - 2) ** 2);
}

/** N is the product of [1 -2 1] along both axes. */
function maskResponse(image: Float32Array, centre: number, sizePx: number): number {
  return along(image, centre - sizePx) - 2 * along(image, centre) + along(image, centre + sizePx);
}

function along(image: Float32Array, centre: number): number {
  return (image[centre - 1] ?? 0) - 2 * (image[centre] ?? 0) + (image[centre + 1] ?? 0);
}

/** The grain of real images, of their mean and of noise: what the grain of an image can be near to. */
export interface GrainAnchors {
  readonly real: number;
  readonly mean: number;
  readonly noise: number;
}

/** Shares of images whose grain is, as a ratio, nearer to that of noise, or of the mean image, than to that of real images. */
export function grainShares(
  grains: readonly number[],
  { real, mean, noise }: GrainAnchors,
): { noisy: number; smooth: number } {
  const shareOf = (holds: (grain: number) => boolean): number => grains.filter(holds).length / grains.length;
  return {
    noisy: shareOf((grain) => grain > Math.sqrt(real * noise)),
    smooth: shareOf((grain) => grain < Math.sqrt(real * mean)),
  };
}
