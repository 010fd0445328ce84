import type { RecipeInput } from '@tributary/protocol/recipe';
import { samplersFor, type ProcessKind, type SamplerName } from '@tributary/protocol/recipe-diffusion';

/** One process with its objective: one training of the table. */
export interface QualityCase {
  readonly name: string;
  readonly process: RecipeInput['process'];
  readonly objective: RecipeInput['objective'];
}

/** Standard deviation of the phantom's pixels on the scale -1..1. */
const SIGMA_DATA = 0.68;

/** Every process of the recipe, with its paper's numbers. */
export const QUALITY_CASES: readonly QualityCase[] = [
  { name: 'edm', process: { kind: 'edm', sigmaData: SIGMA_DATA }, objective: { prediction: 'edm' } },
  {
    name: 'ddpm-linear-epsilon',
    process: { kind: 'ddpm', betaSchedule: 'linear' },
    objective: { prediction: 'epsilon' },
  },
  {
    name: 'ddpm-cosine-velocity',
    process: { kind: 'ddpm', betaSchedule: 'cosine' },
    objective: { prediction: 'velocity' },
  },
  { name: 've-score', process: { kind: 've', sigmaData: SIGMA_DATA }, objective: { prediction: 'score' } },
  { name: 'vp-epsilon', process: { kind: 'vp' }, objective: { prediction: 'epsilon' } },
  { name: 'sub-vp-velocity', process: { kind: 'sub-vp' }, objective: { prediction: 'velocity' } },
  {
    name: 'ncsn-score',
    process: { kind: 'ncsn', sigmaData: SIGMA_DATA, levels: 200 },
    objective: { prediction: 'score' },
  },
  {
    name: 'ddpm-cosine-epsilon',
    process: { kind: 'ddpm', betaSchedule: 'cosine' },
    objective: { prediction: 'epsilon' },
  },
  {
    name: 'ddpm-linear-epsilon-raw',
    process: { kind: 'ddpm', betaSchedule: 'linear' },
    objective: { prediction: 'epsilon', output: 'prediction' },
  },
  {
    name: 'ddpm-linear-velocity',
    process: { kind: 'ddpm', betaSchedule: 'linear' },
    objective: { prediction: 'velocity' },
  },
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
    case 'ode':
      return null;
    case 'ddpm':
    case 'ddim':
    case 'dpmpp-2m':
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
