import { z } from 'zod';

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

export const ddpmProcessSchema = z.strictObject({
  kind: z.literal('ddpm'),
  timesteps: z.int().min(2).max(10_000).default(1000).describe('noise levels of the forward chain'),
  betaSchedule: z
    .enum(['linear', 'scaled_linear', 'cosine', 'sigmoid'])
    .default('linear')
    .describe('how noise is added along the chain'),
  betaStart: positive.lt(1).default(1e-4).describe('first beta; linear, scaled_linear and sigmoid only'),
  betaEnd: positive.lt(1).default(0.02).describe('last beta; linear, scaled_linear and sigmoid only'),
});

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

export type ProcessKind = z.infer<typeof processSchema>['kind'];

export const objectiveSchema = z.strictObject({
  prediction: z
    .enum(['edm', 'epsilon', 'sample', 'velocity', 'score'])
    .describe('what the loss compares; edm with process edm and no other'),
  output: z
    .enum(['preconditioned', 'prediction'])
    .default('preconditioned')
    .describe(
      "the network's raw output where noise or scores are predicted. preconditioned: v (with ve and ncsn EDM's output), from which the prediction follows; prediction: the noise itself, to go on from a diffusers model that predicts it (ddpm and vp with epsilon only; the library's trainer, not runs, which start from the seed)",
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
    .describe('how training draws noise levels; left out: log-normal with edm, uniform with the others'),
});

/** Samplers by the names that recipes and the command line use. */
export const SAMPLER_NAMES = ['ddpm', 'ddim', 'euler-maruyama', 'pc', 'langevin', 'ode', 'heun', 'dpmpp-2m'] as const;
export type SamplerName = (typeof SAMPLER_NAMES)[number];

const ANY_PROCESS: readonly ProcessKind[] = ['edm', 'ddpm', 'vp', 'sub-vp', 've', 'ncsn'];

/** The processes that a sampler fits, and why it does not fit the others. */
export const SAMPLER_FITS: Readonly<
  Record<SamplerName, { readonly processes: readonly ProcessKind[]; readonly because: string }>
> = {
  ddpm: { processes: ANY_PROCESS, because: '' },
  ddim: { processes: ANY_PROCESS, because: '' },
  heun: { processes: ANY_PROCESS, because: '' },
  'dpmpp-2m': { processes: ANY_PROCESS, because: '' },
  'euler-maruyama': {
    processes: ['edm', 'vp', 'sub-vp', 've'],
    because: 'it discretises a continuous SDE, and this process has only fixed steps',
  },
  ode: {
    processes: ['edm', 'vp', 'sub-vp', 've'],
    because: 'it chooses its own times, and this process has only fixed steps',
  },
  pc: {
    processes: ['ddpm', 'vp', 'sub-vp', 've', 'ncsn'],
    because: "its corrector's step is tuned to processes trained with scores",
  },
  langevin: {
    processes: ['ve', 'ncsn'],
    because: 'it walks at noise levels added to the unscaled image',
  },
};

/** Samplers that fit a process, in the order of `SAMPLER_NAMES`. */
export function samplersFor(kind: ProcessKind): SamplerName[] {
  return SAMPLER_NAMES.filter((name) => SAMPLER_FITS[name].processes.includes(kind));
}

/** A part of a recipe that does not fit the others. */
export interface DiffusionFault {
  readonly path: readonly string[];
  readonly expected: string;
}

interface DiffusionChoice {
  readonly process: z.infer<typeof processSchema>;
  readonly objective: z.infer<typeof objectiveSchema>;
  readonly conditioning: { readonly dropout: number };
  readonly evaluation: { readonly sampler: SamplerName; readonly steps: number; readonly guidance: number };
  readonly network: {
    readonly timeEmbedding: 'positional' | 'fourier';
    readonly blockOutChannels: readonly number[];
    readonly normGroups: number;
  };
}

/** What does not fit together in the choice of process, objective, sampler and network; empty when all does. */
export function diffusionFaults(choice: DiffusionChoice): DiffusionFault[] {
  const { process, objective, conditioning, evaluation, network } = choice;
  const { kind } = process;
  const faults: DiffusionFault[] = [];
  const expect = (holds: boolean, path: readonly string[], expected: string): void => {
    if (!holds) faults.push({ path, expected });
  };
  const isEdm = kind === 'edm';
  expect(
    isEdm === (objective.prediction === 'edm'),
    ['objective', 'prediction'],
    isEdm ? 'edm with process.kind edm' : `epsilon, sample, velocity or score with process.kind ${kind}`,
  );
  expect(
    objective.variance === 'fixed' || (kind === 'ddpm' && objective.prediction !== 'score'),
    ['objective', 'variance'],
    'learned only with process.kind ddpm and prediction epsilon, sample or velocity',
  );
  expect(
    objective.output === 'preconditioned' || ((kind === 'ddpm' || kind === 'vp') && objective.prediction === 'epsilon'),
    ['objective', 'output'],
    'prediction only with process.kind ddpm or vp and prediction epsilon',
  );
  expect(
    objective.timeSampling !== 'log-normal' || isEdm,
    ['objective', 'timeSampling'],
    `uniform or importance with process.kind ${kind}`,
  );
  expect(
    objective.timeSampling !== 'importance' || (objective.weighting === 'likelihood' && !isEdm && kind !== 'ncsn'),
    ['objective', 'timeSampling'],
    'importance only with weighting likelihood and process.kind ddpm, vp, sub-vp or ve',
  );
  expect(
    SAMPLER_FITS[evaluation.sampler].processes.includes(kind),
    ['evaluation', 'sampler'],
    `${samplersFor(kind).join(', ')} with process.kind ${kind}: ${SAMPLER_FITS[evaluation.sampler].because}`,
  );
  expect(
    evaluation.guidance === 1 || conditioning.dropout > 0,
    ['evaluation', 'guidance'],
    '1 with conditioning.dropout 0: the network never sees an image without its class',
  );
  const seesSigma = isEdm || kind === 've' || (kind === 'ncsn' && process.noiseConditional);
  expect(
    network.timeEmbedding === 'positional' || seesSigma,
    ['network', 'timeEmbedding'],
    `positional with process.kind ${kind}: the network is not told a noise level`,
  );
  // A group of one channel has mean 0 and variance 1 whatever it is given: what the embeddings of noise level and class add to a
  // channel is taken away again, and neither brightness nor the strength of the noise reaches the output.
  const narrowest = Math.min(...network.blockOutChannels);
  expect(
    network.normGroups < narrowest,
    ['network', 'normGroups'],
    `fewer than the ${narrowest} channels of the narrowest level: a group needs two channels or more`,
  );
  return [...faults, ...rangeFaults(process, evaluation.steps)];
}

function rangeFaults(process: DiffusionChoice['process'], steps: number): DiffusionFault[] {
  switch (process.kind) {
    case 'ddpm':
      return [
        ...(process.betaStart > process.betaEnd
          ? [{ path: ['process', 'betaStart'], expected: 'at most betaEnd' }]
          : []),
        ...(steps > process.timesteps
          ? [{ path: ['evaluation', 'steps'], expected: 'at most process.timesteps' }]
          : []),
      ];
    case 'vp':
    case 'sub-vp':
      return process.betaMin >= process.betaMax
        ? [{ path: ['process', 'betaMin'], expected: 'less than betaMax' }]
        : [];
    case 'edm':
    case 've':
    case 'ncsn':
      return process.sigmaMin >= process.sigmaMax
        ? [{ path: ['process', 'sigmaMin'], expected: 'less than sigmaMax' }]
        : [];
  }
}
