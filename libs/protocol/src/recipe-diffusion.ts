import { z } from 'zod';
import type { ImageShape } from './image-shape.js';
import { processFaults } from './process-faults.js';
import { samplerFaults, type SamplerChoice } from './samplers.js';

const positive = z.number().positive();
const sigmaData = positive.default(0.5).describe('standard deviation of training pixels on the scale -1..1');

export const edmProcessSchema = z.strictObject({
  kind: z.literal('edm'),
  sigmaData,
  sigmaMin: positive.default(0.002).describe('smallest noise level of sampling'),
  sigmaMax: positive.default(80).describe('largest noise level of sampling'),
  rho: positive.default(7).describe('spacing of the noise levels of sampling (Karras et al. 2022, eq. 5)'),
  pMean: z
    .number()
    .min(-20)
    .max(20)
    .default(-1.2)
    .describe('mean of ln(sigma) in training (Karras et al. 2022, table 1)'),
  pStd: positive.default(1.2).describe('standard deviation of ln(sigma) in training'),
});

const ddpmProcessShape = z.strictObject({
  kind: z.literal('ddpm'),
  timesteps: z.int().min(2).max(10_000).default(1000).describe('noise levels of the forward chain'),
  betaSchedule: z
    .enum(['linear', 'scaled_linear', 'cosine', 'sigmoid'])
    .default('linear')
    .describe('how noise is added along the chain'),
  betaStart: positive
    .lt(1)
    .optional()
    .describe('first beta; linear, scaled_linear and sigmoid only; left out: 0.1 / timesteps'),
  betaEnd: positive
    .lt(1)
    .optional()
    .describe('last beta; linear, scaled_linear and sigmoid only; left out: 20 / timesteps, at most 0.999'),
});

/**
 * The betas of Ho et al. 2020 for a thousand steps; for another number scaled so that the chain still ends in noise, as in
 * `get_named_beta_schedule` of Nichol & Dhariwal 2021.
 */
export const ddpmProcessSchema = ddpmProcessShape.transform((process) => ({
  ...process,
  betaStart: process.betaStart ?? Math.min(0.1 / process.timesteps, MAX_BETA),
  betaEnd: process.betaEnd ?? Math.min(20 / process.timesteps, MAX_BETA),
}));

const MAX_BETA = 0.999;

const betaRange = {
  betaMin: positive.default(0.1).describe('beta at time 0'),
  betaMax: positive.default(20).describe('beta at time 1'),
};

export const vpProcessSchema = z.strictObject({ kind: z.literal('vp'), ...betaRange });

export const subVpProcessSchema = z.strictObject({ kind: z.literal('sub-vp'), ...betaRange });

const sigmaRange = {
  sigmaMin: positive.default(0.01).describe('smallest noise level'),
  sigmaMax: positive
    .default(50)
    .describe('largest noise level; about the largest distance between two training images'),
};

export const veProcessSchema = z.strictObject({ kind: z.literal('ve'), sigmaData, ...sigmaRange });

export const ncsnProcessSchema = z.strictObject({
  kind: z.literal('ncsn'),
  sigmaData,
  ...sigmaRange,
  levels: z
    .int()
    .min(2)
    .max(10_000)
    .optional()
    .describe('noise levels of the geometric ladder; left out: as many as technique 2 gives for the image size'),
  stepsPerLevel: z
    .int()
    .min(1)
    .max(100)
    .default(5)
    .describe('Langevin moves a noise level; their size follows by technique 4'),
  noiseConditional: z
    .boolean()
    .default(true)
    .describe(
      'tell the network the noise level; false: only scale its input and output by it (Song & Ermon 2020, technique 3)',
    ),
});

export const processSchema = z.discriminatedUnion('kind', [
  edmProcessSchema,
  ddpmProcessSchema,
  vpProcessSchema,
  subVpProcessSchema,
  veProcessSchema,
  ncsnProcessSchema,
]);

export type NoiseProcessSettings = z.infer<typeof processSchema>;
export type ProcessKind = NoiseProcessSettings['kind'];

export const objectiveSchema = z.strictObject({
  prediction: z
    .enum(['edm', 'epsilon', 'sample', 'velocity', 'score'])
    .describe('what the loss compares; edm with process edm and no other'),
  output: z
    .enum(['preconditioned', 'prediction'])
    .default('preconditioned')
    .describe(
      "the network's raw output where noise or scores are predicted. preconditioned: v (with ve and ncsn EDM's output), from which the prediction follows; prediction: the noise itself, to go on from a model that gives it (ddpm and vp with epsilon only; runs only with startFrom)",
    ),
  weighting: z
    .enum(['simple', 'likelihood', 'min-snr'])
    .default('simple')
    .describe('weight of an error by noise level: none on what is predicted, the likelihood bound, or clipped SNR'),
  minSnrGamma: positive.default(5).describe('clip of the signal-to-noise ratio; min-snr only (Hang et al. 2023)'),
  variance: z
    .enum(['fixed', 'learned'])
    .default('fixed')
    .describe(
      'whether the network also learns the variance of ancestral steps (Nichol & Dhariwal 2021); process ddpm only',
    ),
  timeSampling: z
    .enum(['uniform', 'log-normal', 'importance'])
    .optional()
    .describe(
      'how training draws noise levels; left out: importance with weighting likelihood (uniform with ncsn, where it is the same), else log-normal with edm and uniform with the others',
    ),
});

/** A part of a recipe that does not fit the others. */
export interface DiffusionFault {
  readonly path: readonly string[];
  readonly expected: string;
}

interface DiffusionChoice {
  readonly process: NoiseProcessSettings;
  readonly image: ImageShape;
  readonly objective: z.infer<typeof objectiveSchema>;
  readonly conditioning: { readonly dropout: number };
  readonly evaluation: SamplerChoice & { readonly guidance: number };
  readonly network: {
    readonly timeEmbedding: 'positional' | 'fourier';
    readonly blockOutChannels: readonly number[];
    readonly normGroups: number;
  };
}

/** What does not fit together in the choice of process, objective, sampler and network; empty when all does. */
export function diffusionFaults(choice: DiffusionChoice): DiffusionFault[] {
  const { process, objective, evaluation, image } = choice;
  return [
    ...objectiveFaults(process.kind, objective),
    ...likelihoodFaults(process.kind, objective),
    ...evaluationFaults(choice),
    ...networkFaults(choice),
    ...processFaults(process, image, evaluation.steps),
  ];
}

function objectiveFaults(kind: ProcessKind, objective: DiffusionChoice['objective']): DiffusionFault[] {
  const { prediction, variance, output, timeSampling } = objective;
  const isEdm = kind === 'edm';
  return [
    ...faultUnless(
      isEdm === (prediction === 'edm'),
      ['objective', 'prediction'],
      isEdm ? 'edm with process.kind edm' : `epsilon, sample, velocity or score with process.kind ${kind}`,
    ),
    ...faultUnless(
      variance === 'fixed' || (kind === 'ddpm' && prediction !== 'score'),
      ['objective', 'variance'],
      'learned only with process.kind ddpm and prediction epsilon, sample or velocity',
    ),
    ...faultUnless(
      output === 'preconditioned' || ((kind === 'ddpm' || kind === 'vp') && prediction === 'epsilon'),
      ['objective', 'output'],
      'prediction only with process.kind ddpm or vp and prediction epsilon',
    ),
    ...faultUnless(
      timeSampling !== 'log-normal' || isEdm,
      ['objective', 'timeSampling'],
      `uniform or importance with process.kind ${kind}`,
    ),
  ];
}

function evaluationFaults({ process, evaluation, conditioning }: DiffusionChoice): DiffusionFault[] {
  return [
    ...samplerFaults(process.kind, evaluation).map(({ path, expected }) => ({
      path: ['evaluation', ...path],
      expected,
    })),
    ...faultUnless(
      evaluation.guidance === 1 || conditioning.dropout > 0,
      ['evaluation', 'guidance'],
      '1 with conditioning.dropout 0: the network never sees an image without its class',
    ),
  ];
}

function networkFaults({ process, network }: DiffusionChoice): DiffusionFault[] {
  const { kind } = process;
  const seesSigma = kind === 'edm' || kind === 've' || (kind === 'ncsn' && process.noiseConditional);
  // A group of one channel has mean 0 and variance 1 whatever it is given: what the embeddings of noise level and class add to a
  // channel is taken away again, and neither brightness nor the strength of the noise reaches the output.
  const narrowest = Math.min(...network.blockOutChannels);
  return [
    ...faultUnless(
      network.timeEmbedding === 'positional' || seesSigma,
      ['network', 'timeEmbedding'],
      `positional with process.kind ${kind}: the network is not told a noise level`,
    ),
    ...faultUnless(
      network.normGroups < narrowest,
      ['network', 'normGroups'],
      `fewer than the ${narrowest} channels of the narrowest level: a group needs two channels or more`,
    ),
  ];
}

function faultUnless(holds: boolean, path: readonly string[], expected: string): DiffusionFault[] {
  return holds ? [] : [{ path, expected }];
}

/**
 * The bound's weights grow without end towards little noise. Drawn by importance they are even; drawn otherwise, or on a clean image
 * that is predicted as it is, a few examples outweigh all others and nothing is learned of much noise.
 */
function likelihoodFaults(kind: ProcessKind, objective: DiffusionChoice['objective']): DiffusionFault[] {
  const { weighting, timeSampling, prediction } = objective;
  const [ofTime, ofPrediction] = [
    ['objective', 'timeSampling'],
    ['objective', 'prediction'],
  ];
  if (weighting !== 'likelihood')
    return timeSampling === 'importance'
      ? [{ path: ofTime, expected: 'importance only with weighting likelihood' }]
      : [];
  const fitting = kind === 'ncsn' ? 'uniform' : 'importance';
  return [
    ...(timeSampling === undefined || timeSampling === fitting
      ? []
      : [{ path: ofTime, expected: `${fitting} with weighting likelihood and process.kind ${kind}` }]),
    ...(prediction === 'sample'
      ? [{ path: ofPrediction, expected: 'epsilon, velocity or score with weighting likelihood' }]
      : []),
  ];
}
