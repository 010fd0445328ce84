/**
 * A square image convolved with a Gaussian, cut off at three standard deviations; outside the image is 0.
 *
 * @param image `[sizePx, sizePx]`; left alone.
 * @param sigmaPx Standard deviation; 0 copies.
 */
export function gaussianBlur(image: Float32Array, sizePx: number, sigmaPx: number): Float32Array {
  const kernel = gaussianKernel(sigmaPx);
  return blurRows(blurRows(image, sizePx, kernel), sizePx, kernel);
}

function gaussianKernel(sigmaPx: number): number[] {
  if (sigmaPx === 0) return [1];
  const radius = Math.max(1, Math.ceil(3 * sigmaPx));
  const weights = Array.from({ length: 2 * radius + 1 }, (_, k) => Math.exp(-((k - radius) ** 2) / (2 * sigmaPx ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Blurs along the rows and transposes, so that two calls blur along both axes. */
function blurRows(image: Float32Array, sizePx: number, kernel: readonly number[]): Float32Array {
  const radius = (kernel.length - 1) / 2;
  const result = new Float32Array(image.length);
  for (let row = 0; row < sizePx; row++) {
    for (let column = 0; column < sizePx; column++) {
      let sum = 0;
      const first = Math.max(0, column - radius);
      const last = Math.min(sizePx - 1, column + radius);
      for (let from = first; from <= last; from++) {
        sum += (kernel[from - column + radius] ?? 0) * (image[row * sizePx + from] ?? 0);
      }
      result[column * sizePx + row] = sum;
    }
  }
  return result;
}
