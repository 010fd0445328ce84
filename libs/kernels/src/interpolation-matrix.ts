/** Which samples a place takes, and where places lie, as tfjs's options say. */
export interface InterpolationRule {
  readonly mode: 'nearest' | 'linear';
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

/** The matrix [to, from] that interpolates between `from` samples at `to` places, by tfjs's rules for places. */
export function interpolationMatrix(from: number, to: number, rule: InterpolationRule): Float32Array {
  const { mode, alignCorners, halfPixelCenters } = rule;
  const step = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  const shift = halfPixelCenters ? 0.5 : 0;
  const matrix = new Float32Array(to * from);
  for (let row = 0; row < to; row++) {
    const place = step * (row + shift);
    if (mode === 'nearest') {
      const nearest = alignCorners ? Math.round(place) : Math.floor(place);
      matrix[row * from + Math.min(from - 1, nearest)] = 1;
    } else {
      const low = Math.max(0, Math.floor(place - shift));
      const high = Math.min(from - 1, Math.ceil(place - shift));
      const share = Math.max(0, place - shift - low);
      matrix[row * from + low] = (matrix[row * from + low] ?? 0) + 1 - share;
      matrix[row * from + high] = (matrix[row * from + high] ?? 0) + share;
    }
  }
  return matrix;
}
