import { describe, expect, it } from '@jest/globals';
import { createEdmProcess } from '../processes/edm-process.js';
import { CLEAN, noiseRatio, type NoiseLevel, type NoiseProcess } from '../processes/noise-process.js';
import { createNcsnProcess, createVeProcess } from '../processes/ve-process.js';
import { createSubVpProcess, createVpProcess } from '../processes/vp-process.js';
import { linspace } from '../schedules/beta-schedule.js';
import { geometricSigmas, karrasSigmas } from '../schedules/sigma-schedule.js';
import { createAdaptiveOde } from './adaptive-ode.js';
import { createAncestral } from './ancestral.js';
import { createDdim } from './ddim.js';
import { createDpmSolver } from './dpm-solver.js';
import { createEulerMaruyama } from './euler-maruyama.js';
import { createEuler } from './euler.js';
import {
  endPoint,
  gaussianDenoiser,
  gaussianFlow,
  marginalStddev,
  observedOrder,
  resultMoments,
  wasserstein,
  type GaussianData,
} from './gaussian-data.spec-support.js';
import { createHeun } from './heun.js';
import { createLinearMultistep } from './linear-multistep.js';
import { createPndm } from './pndm.js';
import { createReverseDiffusion } from './predictor-corrector.js';
import type { Sampler } from './sampler.js';
import { createUniPc } from './unipc.js';

const DATA: GaussianData = { mean: 0.3, stddev: 0.4 };
const RANGE = { sigmaMin: 0.02, sigmaMax: 20 };
const PROCESSES: readonly [string, NoiseProcess][] = [
  ['EDM', createEdmProcess(RANGE)],
  ['VP', createVpProcess({ betaMin: 0.1, betaMax: 20 })],
  ['sub-VP', createSubVpProcess({ betaMin: 0.1, betaMax: 20 })],
  ['VE', createVeProcess({ sigmaMin: 0.01, sigmaMax: 50 })],
];

/** Smoothly spaced levels, so that halving the steps halves every step. */
function karrasLevels(process: NoiseProcess, steps: number): NoiseLevel[] {
  return Array.from(karrasSigmas(steps + 1, RANGE), (sigma) => process.levelAtRatio(sigma));
}

async function odeError(sampler: Sampler, process: NoiseProcess, steps: number): Promise<number> {
  const levels = karrasLevels(process, steps);
  const [from = CLEAN, to = CLEAN] = [levels[0], levels.at(-1)];
  const start = 1.7 * marginalStddev(DATA, from);
  const end = await endPoint({ sampler, process, levels, denoiser: gaussianDenoiser(DATA) }, start);
  return Math.abs(end - gaussianFlow(DATA, start, [from, to]));
}

describe('samplers of the probability-flow ODE on Gaussian data', () => {
  describe.each(PROCESSES)('with %s', (_, process) => {
    it.each<[string, number, Sampler]>([
      ['Euler', 1, createEuler()],
      ['DDIM', 1, createDdim()],
      ['Heun', 2, createHeun()],
      ['DPM-Solver++ 2M', 2, createDpmSolver()],
      ['UniPC', 2, createUniPc()],
      ['linear multistep', 3, createLinearMultistep()],
      ['PNDM', 2, createPndm()],
    ])('%s converges at least at order %d', async (_name, order, sampler) => {
      const coarse = await odeError(sampler, process, 80);
      const fine = await odeError(sampler, process, 160);
      expect(fine).toBeLessThan(0.02);
      expect(observedOrder(coarse, fine)).toBeGreaterThan(order - 0.25);
    });

    it('DPM-Solver++ of order 3 beats order 2, and that order 1', async () => {
      const errors = await Promise.all(
        ([1, 2, 3] as const).map((order) => odeError(createDpmSolver({ order }), process, 40)),
      );
      expect(errors).toEqual(errors.toSorted((a, b) => b - a));
    });

    it('the adaptive method keeps its tolerance', async () => {
      const levels = [process.level(process.maxTime), process.level(process.minTime)];
      const [from = CLEAN, to = CLEAN] = levels;
      const sampler = createAdaptiveOde({ relativeTolerance: 1e-8, absoluteTolerance: 1e-8 });
      const start = 1.7 * marginalStddev(DATA, from);
      const end = await endPoint({ sampler, process, levels, denoiser: gaussianDenoiser(DATA) }, start);
      expect(Math.abs(end - gaussianFlow(DATA, start, [from, to]))).toBeLessThan(1e-5);
    });
  });
});

async function distanceToData(sampler: Sampler, process: NoiseProcess, levels: readonly NoiseLevel[]): Promise<number> {
  const [from = CLEAN, to = CLEAN] = [levels[0], levels.at(-1)];
  const start = { mean: from.alpha * DATA.mean, stddev: marginalStddev(DATA, from) };
  const result = await resultMoments({ sampler, process, levels, denoiser: gaussianDenoiser(DATA) }, start);
  return wasserstein(result, { mean: to.alpha * DATA.mean, stddev: marginalStddev(DATA, to) });
}

describe('stochastic samplers on Gaussian data', () => {
  describe.each(PROCESSES)('with %s', (_, process) => {
    it.each<[string, Sampler]>([
      ['ancestral sampling', createAncestral()],
      ['DDIM with eta 1', createDdim({ eta: 1 })],
      ['reverse diffusion', createReverseDiffusion()],
      ['SDE-DPM-Solver++', createDpmSolver({ stochastic: true })],
      ['Heun with churn', createHeun({ churn: 10, churnMin: 0.05, churnMax: 10 })],
    ])('%s comes nearer to mean and variance with every doubling of steps', async (_name, sampler) => {
      const distances = await Promise.all(
        [24, 48, 96].map((steps) => distanceToData(sampler, process, karrasLevels(process, steps))),
      );
      const [coarse = NaN, middle = NaN, fine = NaN] = distances;
      expect(fine).toBeLessThan(0.04);
      expect(observedOrder(coarse, middle)).toBeGreaterThan(0.75);
      expect(observedOrder(middle, fine)).toBeGreaterThan(0.75);
    });
  });

  it.each(PROCESSES.slice(1))('Euler-Maruyama is of first order with %s', async (_, process) => {
    const levels = (steps: number): NoiseLevel[] =>
      Array.from(linspace(process.maxTime, process.kind === 've' ? 0.2 : 0.02, steps + 1), (t) => process.level(t));
    const coarse = await distanceToData(createEulerMaruyama(), process, levels(150));
    const fine = await distanceToData(createEulerMaruyama(), process, levels(300));
    expect(fine).toBeLessThan(0.05);
    expect(observedOrder(coarse, fine)).toBeGreaterThan(0.75);
  });

  it('Euler-Maruyama ends with the denoiser when the last level is clean', async () => {
    const process = createNcsnProcess({ sigmaMin: 0.01, sigmaMax: 20, levels: 60 });
    const levels = [...geometricSigmas(60, { sigmaMin: 0.01, sigmaMax: 20 })].map((sigma) =>
      process.levelAtRatio(sigma),
    );
    expect(levels.map(noiseRatio)[59]).toBeCloseTo(0.01, 12);
    const withDenoising = await distanceToData(createEulerMaruyama(), process, [...levels, CLEAN]);
    expect(withDenoising).toBeLessThan(0.05);
  });
});
