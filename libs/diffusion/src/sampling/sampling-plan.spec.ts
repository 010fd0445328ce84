import { describe, expect, it } from '@jest/globals';
import { processSchema, samplersFor, type SamplerName } from '@tributary/protocol/recipe-diffusion';
import { randomStream } from '@tributary/random';
import { createProcess } from '../processes/create-process.js';
import type { NoiseProcess } from '../processes/noise-process.js';
import { mixtureDenoiser, mixtureMoments, sampleMoments, type PlaneMode } from './mixture-data.spec-support.js';
import { planSampling } from './sampling-plan.js';

/** Inside the data range; the whole is far from Gaussian. */
const MODES: readonly PlaneMode[] = [
  { weight: 0.35, mean: [-0.6, -0.2], covariance: [0.01, 0.004, 0.02] },
  { weight: 0.65, mean: [0.4, 0.3], covariance: [0.03, -0.01, 0.01] },
];
/** So many leave each mean a standard error of 0.02, and each variance one of 0.01. */
const POINTS = 600;

const STEPS: Readonly<Record<SamplerName, number>> = {
  ddpm: 100,
  ddim: 100,
  heun: 18,
  'dpmpp-2m': 18,
  ode: 2,
  'euler-maruyama': 400,
  pc: 100,
  langevin: 40,
};

const PROCESSES = [
  { kind: 'edm', sigmaData: 0.5 },
  { kind: 'ddpm' },
  { kind: 'ddpm', betaSchedule: 'cosine' },
  { kind: 'vp' },
  { kind: 'sub-vp' },
  { kind: 've' },
  { kind: 'ncsn', levels: 200 },
].map((process) => processSchema.parse(process));

/** Every point has its own noise, but all go in one run as if they were one image. */
async function sampledPoints(process: NoiseProcess, sampler: SamplerName): Promise<Float64Array> {
  const random = randomStream(3, process.kind, sampler);
  const normals = (): Float64Array => Float64Array.from({ length: 2 * POINTS }, () => random.normal());
  const plan = planSampling({ process, output: 'sample', sampler, steps: STEPS[sampler] });
  return plan.sampler({
    denoiser: mixtureDenoiser(MODES),
    process,
    start: normals().map((value) => value * plan.startStddev),
    levels: plan.levels,
    noise: normals,
  });
}

describe.each(PROCESSES.map((settings) => [settings] as const))('planned sampling of %j', (settings) => {
  const process = createProcess({ process: settings, image: { sizePx: 8, channels: 1 } });
  it.each(samplersFor(settings.kind))('by %s recovers mean and covariance of a Gaussian mixture', async (sampler) => {
    const expected = mixtureMoments(MODES);
    const actual = sampleMoments(await sampledPoints(process, sampler));
    actual.mean.forEach((value, i) => expect(Math.abs(value - (expected.mean[i] ?? NaN))).toBeLessThan(0.06));
    actual.covariance.forEach((value, i) =>
      expect(Math.abs(value - (expected.covariance[i] ?? NaN))).toBeLessThan(0.03),
    );
  });
});
