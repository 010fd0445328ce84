import { describe, expect, it } from '@jest/globals';
import { processSchema } from '@tributary/protocol/recipe-diffusion';
import { SAMPLERS, samplersFor, type SamplerName, type SamplerSettings } from '@tributary/protocol/samplers';
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
/** Next to no spread: whatever lies between the two is not data. */
const DOTS: readonly PlaneMode[] = [
  { weight: 0.4, mean: [-0.6, -0.6], covariance: [4e-4, 0, 4e-4] },
  { weight: 0.6, mean: [0.5, 0.5], covariance: [4e-4, 0, 4e-4] },
];
/** So many leave each mean a standard error of 0.02, and each variance one of 0.01. */
const POINTS = 600;

const STEPS: Readonly<Record<SamplerName, number>> = {
  ddpm: 100,
  ddim: 100,
  heun: 18,
  'dpmpp-2m': 18,
  'dpmpp-2m-sde': 60,
  euler: 50,
  unipc: 18,
  lms: 18,
  pndm: 18,
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
async function sampledPoints(
  process: NoiseProcess,
  sampler: SamplerName,
  { modes = MODES, steps = STEPS[sampler] }: { readonly modes?: readonly PlaneMode[]; readonly steps?: number } = {},
): Promise<Float64Array> {
  const random = randomStream(3, process.kind, sampler);
  const normals = (): Float64Array => Float64Array.from({ length: 2 * POINTS }, () => random.normal());
  const plan = planSampling({ process, output: 'sample', sampler, steps });
  return plan.sampler({
    denoiser: mixtureDenoiser(modes),
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

  // Few moves of ddpm and ddim end between the dots, which is blur; networks draw noise with fewer still, the exact score does not.
  it.each(
    samplersFor(settings.kind).filter((name) => SAMPLERS[name].fewestSteps > 1 && name !== 'ddpm' && name !== 'ddim'),
  )('by %s leaves little noise with the fewest steps that it takes', async (sampler) => {
    const points = await sampledPoints(process, sampler, { modes: DOTS, steps: SAMPLERS[sampler].fewestSteps });
    const nearest = (x: number, y: number): number =>
      Math.min(...DOTS.map(({ mean }) => (x - mean[0]) ** 2 + (y - mean[1]) ** 2));
    let squares = 0;
    for (let i = 0; i < points.length; i += 2) squares += nearest(points[i] ?? NaN, points[i + 1] ?? NaN);
    // Half of the points' way from one dot to the other is 0.6; half of the steps leave two to ten times this.
    expect(Math.sqrt(squares / points.length)).toBeLessThan(0.12);
  });

  it.each(samplersFor(settings.kind).filter((name) => SAMPLERS[name].fewestSteps > 1))(
    'by %s is refused with fewer',
    (sampler) => {
      const { fewestSteps } = SAMPLERS[sampler];
      expect(() => planSampling({ process, output: 'sample', sampler, steps: fewestSteps - 1 })).toThrow(
        `at least ${fewestSteps} with ${sampler}`,
      );
    },
  );
});

describe('settings of samplers', () => {
  const process = createProcess({
    process: { kind: 've', sigmaData: 0.5, sigmaMin: 0.01, sigmaMax: 50 },
    image: { sizePx: 8, channels: 1 },
  });
  const pointsOf = async (sampler: SamplerName, settings: SamplerSettings): Promise<Float64Array> => {
    const random = randomStream(9, 'settings');
    const normals = (): Float64Array => Float64Array.from({ length: 8 }, () => random.normal());
    const plan = planSampling({ process, output: 'sample', sampler, steps: SAMPLERS[sampler].usualSteps, settings });
    return plan.sampler({
      denoiser: mixtureDenoiser(MODES),
      process,
      start: normals().map((value) => value * plan.startStddev),
      levels: plan.levels,
      noise: normals,
    });
  };

  it.each<[SamplerName, SamplerSettings]>([
    ['ddim', { eta: 1 }],
    ['heun', { churn: 20 }],
    ['pc', { snr: 0.3 }],
    ['pc', { corrector: 'none' }],
    ['pc', { corrector: 'annealed' }],
    ['pc', { correctorSteps: 2 }],
    ['ode', { tolerance: 1e-2 }],
  ])('of %s reach it: %j', async (sampler, settings) => {
    expect(await pointsOf(sampler, settings)).not.toEqual(await pointsOf(sampler, {}));
  });

  it('of another sampler are refused, naming the one that has them', () => {
    const plan = { process, output: 'sample', sampler: 'heun', steps: 8, settings: { snr: 0.2 } } as const;
    expect(() => planSampling(plan)).toThrow('settings.snr must be left out with heun: pc has it');
  });
});
