import type { RecipeInput } from '@tributary/protocol/recipe';
import type { ProcessKind } from '@tributary/protocol/recipe-diffusion';
import { samplersFor, type SamplerName } from '@tributary/protocol/samplers';

/** One process with its objective: one training of the table. */
export interface QualityCase {
  readonly name: string;
  readonly process: RecipeInput['process'];
  readonly objective: RecipeInput['objective'];
}

/** Standard deviation of the phantom's pixels on the scale -1..1. */
const SIGMA_DATA = 0.68;

const EDM = { kind: 'edm', sigmaData: SIGMA_DATA } as const;
const DDPM = { kind: 'ddpm', betaSchedule: 'linear' } as const;
const COSINE_DDPM = { kind: 'ddpm', betaSchedule: 'cosine' } as const;
const VE = { kind: 've', sigmaData: SIGMA_DATA } as const;
const NCSN = { kind: 'ncsn', sigmaData: SIGMA_DATA, levels: 200 } as const;

/** Every process of the recipe, with its paper's numbers and objective; then other objectives that the recipe allows. */
export const QUALITY_CASES: readonly QualityCase[] = [
  { name: 'edm', process: EDM, objective: { prediction: 'edm' } },
  { name: 'ddpm-linear-epsilon', process: DDPM, objective: { prediction: 'epsilon' } },
  { name: 'ddpm-cosine-velocity', process: COSINE_DDPM, objective: { prediction: 'velocity' } },
  { name: 've-score', process: VE, objective: { prediction: 'score' } },
  { name: 'vp-epsilon', process: { kind: 'vp' }, objective: { prediction: 'epsilon' } },
  { name: 'sub-vp-velocity', process: { kind: 'sub-vp' }, objective: { prediction: 'velocity' } },
  { name: 'ncsn-score', process: NCSN, objective: { prediction: 'score' } },
  { name: 'ddpm-linear-epsilon-raw', process: DDPM, objective: { prediction: 'epsilon', output: 'prediction' } },
  { name: 'ddpm-linear-sample', process: DDPM, objective: { prediction: 'sample' } },
  { name: 'ddpm-linear-velocity', process: DDPM, objective: { prediction: 'velocity' } },
  { name: 'ddpm-cosine-epsilon', process: COSINE_DDPM, objective: { prediction: 'epsilon' } },
  {
    name: 'ddpm-cosine-epsilon-min-snr',
    process: COSINE_DDPM,
    objective: { prediction: 'epsilon', weighting: 'min-snr' },
  },
  {
    name: 'vp-score-likelihood',
    process: { kind: 'vp' },
    objective: { prediction: 'score', weighting: 'likelihood', timeSampling: 'importance' },
  },
  { name: 'sub-vp-score', process: { kind: 'sub-vp' }, objective: { prediction: 'score' } },
  { name: 've-velocity', process: VE, objective: { prediction: 'velocity' } },
  { name: 'ncsn-sample', process: NCSN, objective: { prediction: 'sample' } },
];

/** One way of sampling: one row of the table. */
export interface Sampling {
  readonly sampler: SamplerName;
  readonly steps: number;
  /** Calls of the network for one image; null where the method chooses. */
  readonly evaluations: number | null;
}

const STEPS: Readonly<Record<SamplerName, readonly number[]>> = {
  heun: [9, 18],
  'dpmpp-2m': [10, 20],
  'dpmpp-2m-sde': [20, 50],
  euler: [20, 50],
  unipc: [10, 20],
  lms: [10, 20],
  pndm: [10, 20],
  ddim: [20, 50],
  ddpm: [100, 1000],
  'euler-maruyama': [100, 250],
  pc: [50, 125],
  langevin: [20, 50],
  // It chooses its own steps.
  ode: [2],
};

/** Calls of the network for one image in `steps` moves of a sampler. */
function evaluationsOf(sampler: SamplerName, steps: number): number | null {
  switch (sampler) {
    case 'heun':
      return 2 * steps - 1;
    case 'pc':
      return 2 * steps;
    case 'langevin':
      return 5 * steps + 1;
    case 'pndm':
      return steps + 1;
    case 'ode':
      return null;
    case 'ddpm':
    case 'ddim':
    case 'dpmpp-2m':
    case 'dpmpp-2m-sde':
    case 'euler':
    case 'unipc':
    case 'lms':
    case 'euler-maruyama':
      return steps;
  }
}

/** The samplings that fit a process, quickest first. The thousand moves of ancestral sampling are for its own process. */
export function samplingsFor(kind: ProcessKind): Sampling[] {
  const all = samplersFor(kind).flatMap((sampler) =>
    STEPS[sampler].map((steps) => ({ sampler, steps, evaluations: evaluationsOf(sampler, steps) })),
  );
  return all.filter(({ steps }) => steps < 1000 || kind === 'ddpm').toSorted((a, b) => costOf(a) - costOf(b));
}

/** What the adaptive method takes on trained networks, about. */
const ADAPTIVE_EVALUATIONS = 350;

/** Calls of the network for one image, roughly where the method chooses. */
export function costOf({ evaluations }: Pick<Sampling, 'evaluations'>): number {
  return evaluations ?? ADAPTIVE_EVALUATIONS;
}
