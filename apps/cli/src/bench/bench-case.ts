import { recipeSchema, type Recipe } from '@tributary/protocol/recipe';

/** A network that is timed, and the images that it is trained on. */
export interface BenchCase {
  readonly name: string;
  readonly sizePx: number;
  readonly batchSize: number;
  readonly blockOutChannels: readonly number[];
  /** Self-attention by level, finest first. */
  readonly attention: readonly boolean[];
  readonly attentionHeadDim: number;
  readonly normGroups: number;
}

export const BENCH_CASE_NAMES = ['mini', 'mednist', 'large'] as const;
export type BenchCaseName = (typeof BENCH_CASE_NAMES)[number];

/** 0.28, 4.4 and 25.6 million parameters; `mednist` is the network of MONAI's tutorial on generating MedNIST. */
const CASES: Readonly<Record<BenchCaseName, Omit<BenchCase, 'name'>>> = {
  mini: {
    sizePx: 32,
    batchSize: 16,
    blockOutChannels: [16, 32, 32],
    attention: [false, false, true],
    attentionHeadDim: 8,
    normGroups: 4,
  },
  mednist: {
    sizePx: 64,
    batchSize: 16,
    blockOutChannels: [64, 128, 128],
    attention: [false, false, true],
    attentionHeadDim: 128,
    normGroups: 32,
  },
  large: {
    sizePx: 128,
    batchSize: 4,
    blockOutChannels: [128, 160, 256, 320],
    attention: [false, false, false, true],
    attentionHeadDim: 32,
    normGroups: 32,
  },
};

/** The case of that name. */
export function benchCase(name: BenchCaseName): BenchCase {
  return { name, ...CASES[name] };
}

/** The recipe that trains a case: DDPM, predicting the noise, without classes, as in the tutorials of diffusers and MONAI. */
export function benchRecipe({ name, sizePx, batchSize, ...network }: BenchCase): Recipe {
  return recipeSchema.parse({
    name: `bench-${name}`,
    seed: 1,
    image: { sizePx, channels: 1 },
    classes: ['any'],
    data: { intensity: { method: 'percentile' } },
    conditioning: { site: false, dropout: 0 },
    network: { kind: 'unet2d', layersPerBlock: 1, ...network },
    process: { kind: 'ddpm' },
    objective: { prediction: 'epsilon', output: 'prediction' },
    optimiser: { kind: 'adamw', learningRate: 1e-4, schedule: 'constant' },
    rounds: { count: 1, localSteps: 1, batchSize, quorum: 1 },
    strategy: { kind: 'fedavg' },
    evaluation: { sampler: 'heun', steps: 18 },
  });
}
