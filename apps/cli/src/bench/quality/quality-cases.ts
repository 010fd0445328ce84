import type { RecipeInput } from '@tributary/protocol/recipe';
import type { Sampling } from './samplings.js';

/** One process with its objective: one training of the table. */
export interface QualityCase {
  readonly name: string;
  readonly process: RecipeInput['process'];
  readonly objective: RecipeInput['objective'];
  /** Other choices that the recipe schema accepts and that train the same weights. */
  readonly alike?: readonly string[];
}

/** A training with the samplings that are scored. */
export interface PlannedCase {
  readonly qualityCase: QualityCase;
  readonly samplings: readonly Sampling[];
}

/** Standard deviation of the phantom's pixels on the scale -1..1. */
export const SIGMA_DATA = 0.68;

/** Noise levels of NCSN: enough for samplers of a hundred steps, which images of few pixels need not have by technique 2. */
export const PHANTOM_LEVELS = 200;

const EDM = { kind: 'edm', sigmaData: SIGMA_DATA } as const;
const DDPM = { kind: 'ddpm', betaSchedule: 'linear' } as const;
const COSINE_DDPM = { kind: 'ddpm', betaSchedule: 'cosine' } as const;
const VE = { kind: 've', sigmaData: SIGMA_DATA } as const;
const NCSN = { kind: 'ncsn', sigmaData: SIGMA_DATA, levels: PHANTOM_LEVELS } as const;

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
