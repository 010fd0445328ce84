/**
 * Resamples the middle axis of `[outer, length, inner]` to `to` samples. Shrinking takes the mean of what a sample covers,
 * enlarging interpolates linearly.
 */
export function resampleAxis(
  values: Float32Array,
  [outer, length, inner]: readonly [number, number, number],
  to: number,
): Float32Array {
  const taps = resamplingTaps(length, to);
  const result = new Float32Array(outer * taps.length * inner);
  for (let o = 0; o < outer; o++) {
    taps.forEach(({ first, weights }, index) => {
      const target = (o * taps.length + index) * inner;
      weights.forEach((weight, tap) => {
        const from = (o * length + first + tap) * inner;
        for (let i = 0; i < inner; i++)
          result[target + i] = (result[target + i] ?? 0) + weight * (values[from + i] ?? 0);
      });
    });
  }
  return result;
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
