/**
 * FedProx at the site: gradient += μ·(w - w_global), the gradient of the proximal term μ/2·|w - w_global|².
 * Keeps many local steps from drifting; the server's part is FedAvg. Li et al. 2020, eq. 2.
 *
 * @param mu μ >= 0.
 */
export function addProximalGradient(
  mu: number,
  { gradient, weights, global }: { gradient: Float32Array; weights: Float32Array; global: Float32Array },
): void {
  for (let i = 0; i < gradient.length; i++) {
    gradient[i] = (gradient[i] ?? 0) + mu * ((weights[i] ?? 0) - (global[i] ?? 0));
  }
}
