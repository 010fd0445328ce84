import { z } from 'zod';
import type { ProcessKind } from './recipe-diffusion.js';

/** Samplers by the names that recipes and the command line use. */
export const SAMPLER_NAMES = [
  'ddpm',
  'ddim',
  'euler-maruyama',
  'pc',
  'langevin',
  'ode',
  'heun',
  'dpmpp-2m',
  'dpmpp-2m-sde',
  'euler',
  'unipc',
  'lms',
  'pndm',
] as const;
export type SamplerName = (typeof SAMPLER_NAMES)[number];

const positive = z.number().positive();

/** What a paper leaves to choose; what is left out is as the paper has it. */
export const samplerSettingsSchema = z.strictObject({
  eta: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('ddim: share of the ancestral noise; 0 unless told: deterministic (Song, Meng & Ermon 2021, eq. 16)'),
  churn: z
    .number()
    .min(0)
    .max(1000)
    .optional()
    .describe('heun: noise put back over the whole run, S_churn; 0 unless told (Karras et al. 2022, algorithm 2)'),
  churnMin: z.number().min(0).optional().describe('heun: least noise level at which noise is put back, S_tmin'),
  churnMax: positive.optional().describe('heun: largest noise level at which noise is put back, S_tmax'),
  churnStddev: positive
    .max(2)
    .optional()
    .describe('heun: standard deviation of what is put back, S_noise; 1 unless told'),
  corrector: z
    .enum(['langevin', 'annealed', 'none'])
    .optional()
    .describe(
      'pc: step from the norms of score and noise (unless told), from the noise level alone, or no corrector, that is reverse diffusion (Song et al. 2021, algorithms 4 and 5)',
    ),
  correctorSteps: z.int().min(1).max(100).optional().describe('pc: corrector moves at each noise level; 1 unless told'),
  snr: positive.max(10).optional().describe('pc: signal-to-noise ratio of the corrector; 0.16 unless told'),
  tolerance: positive.max(0.1).optional().describe('ode: error of a step, relative and absolute; 1e-5 unless told'),
});
export type SamplerSettings = z.infer<typeof samplerSettingsSchema>;

interface SamplerFacts {
  /** Processes that it fits. */
  readonly processes: readonly ProcessKind[];
  /** Why it does not fit the others. */
  readonly because: string;
  /** With fewer moves the method itself leaves noise in images. */
  readonly fewestSteps: number;
  /** Moves for a good image, when nobody says how many. */
  readonly usualSteps: number;
  readonly settings: readonly (keyof SamplerSettings)[];
}

const ANY_PROCESS: readonly ProcessKind[] = ['edm', 'ddpm', 'vp', 'sub-vp', 've', 'ncsn'];
const fitsAny = { processes: ANY_PROCESS, because: '', settings: [] };

/** All that is known of a sampler but how it moves. */
export const SAMPLERS: Readonly<Record<SamplerName, SamplerFacts>> = {
  ddpm: { ...fitsAny, fewestSteps: 8, usualSteps: 100 },
  ddim: { ...fitsAny, fewestSteps: 4, usualSteps: 20, settings: ['eta'] },
  heun: {
    ...fitsAny,
    fewestSteps: 8,
    usualSteps: 12,
    settings: ['churn', 'churnMin', 'churnMax', 'churnStddev'],
  },
  'dpmpp-2m': { ...fitsAny, fewestSteps: 8, usualSteps: 12 },
  'dpmpp-2m-sde': { ...fitsAny, fewestSteps: 8, usualSteps: 20 },
  euler: { ...fitsAny, fewestSteps: 8, usualSteps: 20 },
  unipc: { ...fitsAny, fewestSteps: 8, usualSteps: 12 },
  lms: { ...fitsAny, fewestSteps: 8, usualSteps: 15 },
  pndm: { ...fitsAny, fewestSteps: 10, usualSteps: 15 },
  'euler-maruyama': {
    processes: ['edm', 'vp', 'sub-vp', 've'],
    because: 'it discretises a continuous SDE, and this process has only fixed steps',
    fewestSteps: 50,
    usualSteps: 100,
    settings: [],
  },
  ode: {
    processes: ['edm', 'vp', 'sub-vp', 've'],
    because: 'it chooses its own times, and this process has only fixed steps',
    fewestSteps: 1,
    usualSteps: 1,
    settings: ['tolerance'],
  },
  pc: {
    processes: ['ddpm', 'vp', 'sub-vp', 've', 'ncsn'],
    because: "its corrector's step is tuned to processes trained with scores",
    fewestSteps: 30,
    usualSteps: 50,
    settings: ['corrector', 'correctorSteps', 'snr'],
  },
  langevin: {
    processes: ['ve', 'ncsn'],
    because: 'it walks at noise levels added to the unscaled image',
    fewestSteps: 20,
    usualSteps: 40,
    settings: [],
  },
};

/** Samplers that fit a process, in the order of `SAMPLER_NAMES`. */
export function samplersFor(kind: ProcessKind): SamplerName[] {
  return SAMPLER_NAMES.filter((name) => SAMPLERS[name].processes.includes(kind));
}

/** A choice of sampler. */
export interface SamplerChoice {
  readonly sampler: SamplerName;
  readonly steps: number;
  readonly settings: SamplerSettings;
}

/** A field of a choice that does not fit the rest. */
export interface SamplerFault {
  readonly path: readonly string[];
  readonly expected: string;
}

/** What does not fit in a choice of sampler for a kind of process; empty when all does. */
export function samplerFaults(kind: ProcessKind, { sampler, steps, settings }: SamplerChoice): SamplerFault[] {
  const { processes, because, fewestSteps, settings: own } = SAMPLERS[sampler];
  if (!processes.includes(kind))
    return [{ path: ['sampler'], expected: `${samplersFor(kind).join(', ')} with process.kind ${kind}: ${because}` }];
  return [
    ...(steps < fewestSteps
      ? [{ path: ['steps'], expected: `at least ${fewestSteps} with ${sampler}: fewer leave noise in the images` }]
      : []),
    ...samplerSettingsSchema
      .keyof()
      .options.filter((name) => settings[name] !== undefined && !own.includes(name))
      .map((name) => ({ path: ['settings', name], expected: `left out with ${sampler}: ${ownersOf(name)} has it` })),
  ];
}

function ownersOf(setting: keyof SamplerSettings): string {
  return SAMPLER_NAMES.filter((name) => SAMPLERS[name].settings.includes(setting)).join(', ');
}
