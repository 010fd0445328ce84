import { networkManifest } from '@tributary/diffusion/initial-model';
import { parameterCount } from '@tributary/protocol/manifest';
import { recipeSchema, type Recipe } from '@tributary/protocol/recipe';

const FLOAT_BYTES = 4;
const MAX_CHANNELS = 1024;
const MAX_LEVELS = 6;
const MAX_LAYERS = 4;

export const BENCH_CLASSES = ['any'];

export interface RoundRecipeOptions {
  /** Size of the weights that is aimed at. */
  readonly bytes: number;
  readonly sites: number;
  readonly rounds: number;
  /** Of the moving average of the weights; 0, also when left out: none is made. */
  readonly emaDecay?: number;
}

/** A FedAvg recipe whose network has about `bytes` of weights (the nearest width of the shallowest network that can). */
export function roundRecipe(options: RoundRecipeOptions): Recipe {
  for (let levels = 2; levels <= MAX_LEVELS; levels++) {
    for (let layers = 1; layers <= MAX_LAYERS; layers++) {
      const shape = { levels, layers };
      if (weightsBytes(recipeOf(options, { ...shape, channels: MAX_CHANNELS })) >= options.bytes) {
        return recipeOf(options, { ...shape, channels: nearestChannels(options, shape) });
      }
    }
  }
  throw new RangeError(`no network of the recipes has ${options.bytes} bytes`);
}

/** Bytes of a recipe's weights without their header. */
export function weightsBytes(recipe: Recipe): number {
  return FLOAT_BYTES * parameterCount(networkManifest(recipe, 1));
}

function nearestChannels({ bytes, ...rest }: RoundRecipeOptions, shape: { levels: number; layers: number }): number {
  const errorOf = (channels: number): number =>
    Math.abs(weightsBytes(recipeOf({ bytes, ...rest }, { ...shape, channels })) - bytes);
  let [low, high] = [1, MAX_CHANNELS];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (weightsBytes(recipeOf({ bytes, ...rest }, { ...shape, channels: middle })) < bytes) low = middle;
    else high = middle;
  }
  return errorOf(low) < errorOf(high) ? low : high;
}

interface NetworkShape {
  readonly levels: number;
  readonly layers: number;
  readonly channels: number;
}

function recipeOf(
  { sites, rounds, emaDecay = 0 }: RoundRecipeOptions,
  { levels, layers, channels }: NetworkShape,
): Recipe {
  return recipeSchema.parse({
    name: 'bench-rounds',
    seed: 1,
    image: { sizePx: 64, channels: 1 },
    classes: BENCH_CLASSES,
    data: { intensity: { method: 'percentile' } },
    conditioning: { site: false, dropout: 0 },
    network: {
      kind: 'unet2d',
      blockOutChannels: Array.from({ length: levels }, () => channels),
      layersPerBlock: layers,
      attention: Array.from({ length: levels }, () => false),
      attentionHeadDim: 1,
      normGroups: 1,
    },
    process: { kind: 'edm' },
    objective: { prediction: 'edm' },
    optimiser: { kind: 'adamw', learningRate: 1e-4 },
    rounds: { count: rounds, localSteps: 1, batchSize: 1, quorum: sites },
    strategy: { kind: 'fedavg' },
    serverEma: { decay: emaDecay },
    evaluation: { sampler: 'ddim', steps: 4, samplesPerSite: 8, utilitySeeds: 0 },
  });
}
