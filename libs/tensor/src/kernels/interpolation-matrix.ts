/** Where samples lie, as tfjs's options say. */
export interface InterpolationRule {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

/** The matrix [to, from] that interpolates linearly between `from` samples at `to` places, by tfjs's rules for places. */
export function interpolationMatrix(
  from: number,
  to: number,
  { alignCorners, halfPixelCenters }: InterpolationRule,
): Float32Array {
  const step = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  const matrix = new Float32Array(to * from);
  for (let row = 0; row < to; row++) {
    const place = halfPixelCenters ? step * (row + 0.5) - 0.5 : step * row;
    const low = Math.max(0, Math.floor(place));
    const high = Math.min(from - 1, Math.ceil(place));
    const share = Math.max(0, place - low);
    matrix[row * from + low] = (matrix[row * from + low] ?? 0) + 1 - share;
    matrix[row * from + high] = (matrix[row * from + high] ?? 0) + share;
  }
  return matrix;
}
