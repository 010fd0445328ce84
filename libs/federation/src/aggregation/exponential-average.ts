/**
 * Decay of the server's exponential moving average at one round: min(decay, (1 + n) / (10 + n)).
 * The warm-up lets early, poor weights leave quickly (as in TensorFlow's ExponentialMovingAverage with num_updates).
 *
 * @param decay      Final decay, in [0, 1).
 * @param roundIndex n; 0 for the first round.
 */
export function emaDecayAt(decay: number, roundIndex: number): number {
  if (!(decay >= 0 && decay < 1)) throw new RangeError('the decay of the average must lie in [0, 1)');
  return Math.min(decay, (1 + roundIndex) / (10 + roundIndex));
}

/** next = decay * average + (1 - decay) * weights, elementwise. */
export function averageWeights(
  decay: number,
  { average, weights, next }: { average: Float32Array; weights: Float32Array; next: Float32Array },
): void {
  for (let i = 0; i < next.length; i++) next[i] = decay * (average[i] ?? 0) + (1 - decay) * (weights[i] ?? 0);
}
