/** next = decay * average + (1 - decay) * weights, elementwise. */
export function averageWeights(
  decay: number,
  { average, weights, next }: { average: Float32Array; weights: Float32Array; next: Float32Array },
): void {
  for (let i = 0; i < next.length; i++) next[i] = decay * (average[i] ?? 0) + (1 - decay) * (weights[i] ?? 0);
}
