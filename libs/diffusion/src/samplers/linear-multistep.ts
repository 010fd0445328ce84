import { noiseRatio, type NoiseLevel } from '../processes/noise-process.js';
import { combine, type Term } from './image-arithmetic.js';
import { odeSlope } from './ode-slope.js';
import { nodesOf, type Sampler } from './sampler.js';

const MAX_ORDER = 4;

/** Two-point Gauss-Legendre nodes on [-1, 1]: exact for the cubics of order 4. */
const GAUSS_NODE = 1 / Math.sqrt(3);

/** Linear multistep method of order 4 on unevenly spaced noise levels (k-diffusion, `sample_lms`). */
export function createLinearMultistep(): Sampler {
  return async (run) => {
    const slopes: Float64Array[] = [];
    const nodes: NoiseLevel[] = [];
    let x = run.start;
    for (let index = 0; index + 1 < run.levels.length; index++) {
      const { from, to } = nodesOf(run, index);
      const scaled = combine([1 / from.alpha, x]);
      slopes.unshift(await odeSlope(run.denoiser, scaled, from));
      nodes.unshift(from);
      slopes.splice(MAX_ORDER);
      nodes.splice(MAX_ORDER);
      const sigmas = nodes.map(noiseRatio);
      const terms = slopes.map((slope, k): Term => [to.alpha * lagrangeIntegral(sigmas, k, noiseRatio(to)), slope]);
      x = combine([to.alpha, scaled], ...terms);
      if (run.afterStep) x = await run.afterStep(x, to);
    }
    return x;
  };
}

/** Integral from nodes[0] to `end` of the k-th Lagrange polynomial through `nodes`. */
function lagrangeIntegral(nodes: readonly number[], k: number, end: number): number {
  const start = nodes[0] ?? 0;
  const half = (end - start) / 2;
  const middle = (end + start) / 2;
  return half * (lagrange(nodes, k, middle - half * GAUSS_NODE) + lagrange(nodes, k, middle + half * GAUSS_NODE));
}

function lagrange(nodes: readonly number[], k: number, at: number): number {
  const own = nodes[k] ?? 0;
  return nodes.reduce((product, node, j) => (j === k ? product : (product * (at - node)) / (own - node)), 1);
}
