import { describe, expect, it } from '@jest/globals';
import { createEdmProcess } from '../processes/edm-process.js';
import { createVpProcess } from '../processes/vp-process.js';
import type { NoiseLevel, NoiseProcess } from '../processes/noise-process.js';
import { karrasSigmas } from '../schedules/sigma-schedule.js';
import { createDpmSolver } from './dpm-solver.js';
import { endPoint } from './gaussian-data.spec-support.js';
import { createHeun } from './heun.js';
import type { Denoiser, Sampler } from './sampler.js';

/** Two modes of different weight and width. */
const MODES = [
  { weight: 0.3, mean: -0.8, stddev: 0.15 },
  { weight: 0.7, mean: 0.5, stddev: 0.25 },
];

const denoiser: Denoiser = async (x, { alpha, sigma }) =>
  x.map((value) => {
    let total = 0;
    let sum = 0;
    for (const { weight, mean, stddev } of MODES) {
      const variance = (alpha * stddev) ** 2 + sigma ** 2;
      const density = (weight / Math.sqrt(variance)) * Math.exp(-((value - alpha * mean) ** 2) / (2 * variance));
      total += density;
      sum += density * (mean + ((alpha * stddev ** 2) / variance) * (value - alpha * mean));
    }
    return sum / total;
  });

/** Φ by Abramowitz & Stegun 26.2.17 would be too coarse: Simpson's rule on the density from -8 to `z`. */
function normalCdf(z: number): number {
  const intervals = 2000;
  const h = (z + 8) / intervals;
  let sum = 0;
  for (let i = 0; i <= intervals; i++) {
    const factor = i === 0 || i === intervals ? 1 : i % 2 === 1 ? 4 : 2;
    sum += factor * Math.exp(-((-8 + i * h) ** 2) / 2);
  }
  return (sum * h) / 3 / Math.sqrt(2 * Math.PI);
}

function mixtureCdf(x: number, { alpha, sigma }: NoiseLevel): number {
  return MODES.reduce(
    (sum, { weight, mean, stddev }) => sum + weight * normalCdf((x - alpha * mean) / Math.hypot(alpha * stddev, sigma)),
    0,
  );
}

function quantile(probability: number, level: NoiseLevel): number {
  let low = -200;
  let high = 200;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (mixtureCdf(middle, level) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

describe('samplers on a Gaussian mixture', () => {
  const range = { sigmaMin: 0.01, sigmaMax: 20 };
  it.each<[string, Sampler, NoiseProcess]>([
    ['Heun on EDM', createHeun(), createEdmProcess(range)],
    ['DPM-Solver++ on VP', createDpmSolver(), createVpProcess({ betaMin: 0.1, betaMax: 20 })],
  ])('%s keeps every quantile, as the flow on a line must', async (_, sampler, process) => {
    const levels = Array.from(karrasSigmas(120, range), (sigma) => process.levelAtRatio(sigma));
    const [from, to] = [levels[0], levels.at(-1)];
    if (!from || !to) throw new Error('no levels');
    for (const probability of [0.02, 0.2, 0.35, 0.6, 0.95]) {
      const start = quantile(probability, from);
      const end = await endPoint({ sampler, process, levels, denoiser }, start);
      expect(Math.abs(end - quantile(probability, to))).toBeLessThan(0.01);
    }
  });
});
