import { z } from 'zod';
import { diffusionFaults, objectiveSchema, processSchema } from './recipe-diffusion.js';
import { SAMPLER_NAMES, SAMPLERS, samplerSettingsSchema } from './samplers.js';
import { federationSchema } from './federation.js';
import { sha256Schema } from './identifiers.js';
import { roundFaults } from './round-faults.js';
import { serverEmaSchema } from './server-ema.js';
import { strategySchema } from './strategy.js';

const probability = z.number().min(0).max(1);
const positive = z.number().positive();
const count = (max: number) => z.int().min(1).max(max);

export const intensitySchema = z.discriminatedUnion('method', [
  z.strictObject({
    method: z.literal('percentile'),
    low: z.number().min(0).max(50).default(0).describe('percentile of a series that becomes -1'),
    high: z.number().min(50).max(100).default(99.5).describe('percentile of a series that becomes 1'),
  }),
  z.strictObject({
    method: z.literal('window'),
    low: z.number().describe('stored value that becomes -1'),
    high: z.number().describe('stored value that becomes 1'),
  }),
]);

const networkShape = z.strictObject({
  kind: z
    .enum(['unet2d', 'unet3d'])
    .describe('unet2d for images, unet3d (the same blocks in three dimensions) for volumes'),
  blockOutChannels: z.array(count(1024)).min(1).max(6).describe('channels of each level, finest first'),
  layersPerBlock: count(4).default(1).describe('residual blocks a level'),
  attention: z
    .array(z.boolean())
    .min(1)
    .max(6)
    .describe('one flag a level, finest first: self-attention after each residual block; the middle always has it'),
  attentionHeadDim: count(1024)
    .nullable()
    .default(8)
    .describe('channels of an attention head; null: one head over all channels'),
  normGroups: count(64)
    .optional()
    .describe(
      'groups of the group normalisation; left out: the most up to 8 that divide the channels of every level and have two or more each',
    ),
  normEpsilon: positive.default(1e-5).describe('added to the variance in group normalisation'),
  dropout: z.number().min(0).max(0.9).default(0).describe('dropout rate in residual blocks'),
  timeEmbedding: z.enum(['positional', 'fourier']).default('positional').describe('embedding of the noise level'),
  resample: z.enum(['conv', 'resnet']).default('conv').describe('how a level changes resolution'),
  downsamplePadding: z
    .literal([0, 1], { error: '0 or 1' })
    .default(1)
    .describe(
      'zeros around the image before resample conv makes it smaller: 1 on every side, or, with 0, only below and on the right',
    ),
  flipSinToCos: z.boolean().default(true).describe('positional time embedding: the cosines before the sines'),
  frequencyShift: z
    .literal([0, 1], { error: '0 or 1' })
    .default(0)
    .describe(
      'positional time embedding: by how much fewer steps its frequencies fall; 1 with the models of Ho et al. 2020',
    ),
  timeScaleShift: z
    .boolean()
    .default(false)
    .describe('the embedding scales and shifts after the second norm instead of being added'),
});

export const networkSchema = networkShape.transform((network) => ({
  ...network,
  normGroups: network.normGroups ?? defaultNormGroups(network.blockOutChannels),
}));

const DEFAULT_NORM_GROUPS = 8;

/** A group of one channel would lose that channel's mean, and with it what the embeddings of noise level and class add. */
function defaultNormGroups(blockOutChannels: readonly number[]): number {
  const fits = (groups: number): boolean =>
    blockOutChannels.every((channels) => channels % groups === 0 && channels >= 2 * groups);
  for (let groups = DEFAULT_NORM_GROUPS; groups > 1; groups--) if (fits(groups)) return groups;
  return 1;
}

export const optimiserSchema = z.strictObject({
  kind: z.literal('adamw'),
  learningRate: positive.max(1).describe('AdamW step size after warm-up'),
  beta1: probability.default(0.9).describe('decay of the first moment'),
  beta2: probability.default(0.999).describe('decay of the second moment'),
  epsilon: positive.default(1e-8).describe('added to the root of the second moment'),
  weightDecay: z.number().min(0).max(1).default(0).describe('decoupled weight decay'),
  amsgrad: z
    .boolean()
    .default(false)
    .describe('divide by the largest second moment so far instead of the present one (Reddi et al. 2018)'),
  clipNorm: positive.default(1).describe('largest global norm of a gradient'),
  warmupSteps: z.int().min(0).default(0).describe('local steps, over the whole run, until the full learning rate'),
  schedule: z.enum(['constant', 'cosine']).default('cosine').describe('learning rate over the whole run after warm-up'),
  accumulationSteps: count(64)
    .default(1)
    .describe('parts in which a batch goes through the network, their gradients added up: less memory, the same step'),
});

const samplingSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }),
  z.strictObject({
    kind: z.literal('random'),
    sites: count(10_000).describe("sites that are asked in a round, drawn by the recipe's seed"),
  }),
]);

export const roundsSchema = z.strictObject({
  count: z
    .int()
    .min(0)
    .max(100_000)
    .describe('rounds of the run; 0: the weights of startFrom are evaluated and released as they are'),
  localSteps: count(100_000).describe('optimiser steps at each site in a round'),
  batchSize: count(1024).describe('images of a step'),
  deadlineSeconds: z
    .number()
    .positive()
    .max(30 * 24 * 3600)
    .default(3600)
    .describe('a round closes then with what has arrived, if that is a quorum'),
  quorum: count(10_000).describe('fewest updates that make a round count'),
  minImages: count(1_000_000).default(1).describe('fewest training images a site must have to take part'),
  maxAttempts: count(100).default(5).describe('how often an abandoned round is tried before the run pauses'),
  sampling: samplingSchema.default({ kind: 'all' }).describe('which of the sites that may train now are asked'),
});

export const retentionSchema = z.strictObject({
  updateRounds: z
    .int()
    .min(0)
    .default(0)
    .describe('published rounds whose updates are kept; 0: an update is removed as soon as it was counted'),
  weightsEvery: count(100_000)
    .optional()
    .describe(
      'weights of every so many rounds are kept, beside those after 0, 1, 2, 5, 10, 20, 50 … rounds, the last two and the released; left out: none, and with serverEma.kind power-function 16 to 31 at even distances, fewer as the run grows',
    ),
});

const evaluationShape = z.strictObject({
  sampler: z.enum(SAMPLER_NAMES).describe('how evaluation turns noise into images; must fit the process'),
  steps: z.int().min(1).max(1000).optional().describe(`steps of the sampler; left out: ${usualStepsText()}`),
  settings: samplerSettingsSchema.default({}).describe('what the sampler leaves to choose'),
  guidance: z.number().min(0).max(20).default(1).describe('classifier-free guidance; 1 = none'),
  samplesPerSite: z.int().min(8).max(100_000).default(128).describe('synthetic images each site makes for the scores'),
  extractorSeed: z.int().min(0).default(5).describe('seed of the fixed random feature extractor'),
  utilitySeeds: z
    .int()
    .min(0)
    .max(20)
    .default(3)
    .describe('trainings of the lesion classifier a variant; 0 leaves utility out'),
  /** Classes that sites are short of: the utility classifier tells them from the others. None: no utility is measured. */
  scarceClasses: z.array(z.string()).default([]),
});

export const evaluationSchema = evaluationShape.transform((evaluation) => ({
  ...evaluation,
  steps: evaluation.steps ?? SAMPLERS[evaluation.sampler].usualSteps,
}));

function usualStepsText(): string {
  return SAMPLER_NAMES.map((name) => `${name} ${SAMPLERS[name].usualSteps}`).join(', ');
}

/** An image that the network sees beside the noisy one; left out: none. */
export const imageConditionSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('low-resolution'),
    factor: z
      .int()
      .min(2)
      .max(32)
      .describe('the condition is the image averaged over squares of this side: super-resolution'),
  }),
  z.strictObject({
    kind: z.literal('given'),
    channels: count(16).describe('the condition comes with the image: translation, reconstruction, segmentation'),
  }),
]);

const recipeShape = z.strictObject({
  name: z.string().min(1).max(100).describe('shown in lists and reports'),
  seed: z.int().min(0).max(0xffff_ffff).describe('all randomness of model and data order derives from it'),
  image: z.strictObject({
    sizePx: z.int().min(8).max(256).describe('width and height'),
    depthPx: z.int().min(2).max(256).optional().describe('slices of a volume; with network.kind unet3d and no other'),
    channels: z.literal([1, 3], { error: '1 (grey) or 3 (colour)' }).describe('1 grey, 3 colour'),
  }),
  classes: z
    .array(z.string().min(1).max(60))
    .min(1)
    .max(1000)
    .describe('class names in the order of their indices; those of the study'),
  data: z.strictObject({
    intensity: intensitySchema,
    onBadFile: z
      .enum(['skip', 'refuse'])
      .default('skip')
      .describe('files that cannot be used are counted and skipped, or stop the site'),
    heldOutFraction: z.number().gt(0).lt(1).default(0.2).describe('share of patients kept for evaluation'),
    horizontalFlip: z.boolean().default(false).describe('flip training images left to right at random'),
  }),
  conditioning: z.strictObject({
    site: z
      .boolean()
      .default(true)
      .describe('one embedding row a (site, class) pair, else one a class; one more row stands for no condition'),
    dropout: probability.default(0.1).describe('share of training images shown without their condition'),
    image: imageConditionSchema.optional(),
  }),
  network: networkSchema,
  startFrom: z
    .strictObject({
      weightsSha256: sha256Schema.describe('of the safetensors file, as its publisher names it'),
    })
    .optional()
    .describe(
      'weights of another model that the run goes on from; `run create --start-from` fills it in; left out: random ones of the seed',
    ),
  process: processSchema,
  objective: objectiveSchema,
  optimiser: optimiserSchema,
  rounds: roundsSchema,
  strategy: strategySchema,
  federation: federationSchema.prefault({}),
  serverEma: serverEmaSchema.prefault({}),
  retention: retentionSchema.prefault({}),
  evaluation: evaluationSchema,
  privacy: z.strictObject({ kind: z.literal('none') }).default({ kind: 'none' }),
});

/** The whole, immutable description of a run. Sites approve the SHA-256 of its record (`recordRecipe`). */
export const recipeSchema = recipeShape.superRefine((recipe, context) => {
  const fault = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  const levels = recipe.network.blockOutChannels.length;
  if (recipe.network.attention.length !== levels)
    fault(['network', 'attention'], `one flag for each of the ${levels} levels of blockOutChannels`);
  const isVolume = recipe.network.kind === 'unet3d';
  for (const side of ['sizePx', 'depthPx'] as const) {
    if ((recipe.image[side] ?? 0) % 2 ** (levels - 1) !== 0)
      fault(['image', side], `divisible by ${2 ** (levels - 1)} for ${levels} levels`);
  }
  if (isVolume !== (recipe.image.depthPx !== undefined))
    fault(['image', 'depthPx'], isVolume ? 'the slices of a volume with network.kind unet3d' : 'left out with unet2d');
  if (
    recipe.conditioning.image?.kind === 'low-resolution' &&
    recipe.image.sizePx % recipe.conditioning.image.factor !== 0
  )
    fault(['conditioning', 'image', 'factor'], `a divisor of image.sizePx (${recipe.image.sizePx})`);
  recipe.network.blockOutChannels.forEach((channels, level) => {
    if (channels % recipe.network.normGroups !== 0)
      fault(['network', 'blockOutChannels', level], `divisible by normGroups (${recipe.network.normGroups})`);
    const attends = recipe.network.attention[level] === true || level === levels - 1;
    const { attentionHeadDim } = recipe.network;
    if (attends && attentionHeadDim !== null && channels % attentionHeadDim !== 0)
      fault(['network', 'blockOutChannels', level], `divisible by attentionHeadDim (${attentionHeadDim})`);
  });
  if (recipe.data.intensity.method === 'window' && recipe.data.intensity.low >= recipe.data.intensity.high)
    fault(['data', 'intensity', 'low'], 'less than high');
  if (new Set(recipe.classes).size !== recipe.classes.length) fault(['classes'], 'class names that differ');
  recipe.evaluation.scarceClasses.forEach((name, index) => {
    if (!recipe.classes.includes(name)) fault(['evaluation', 'scarceClasses', index], 'one of classes');
  });
  if (recipe.rounds.batchSize % recipe.optimiser.accumulationSteps !== 0)
    fault(['optimiser', 'accumulationSteps'], `a divisor of rounds.batchSize (${recipe.rounds.batchSize})`);
  for (const { path, expected } of diffusionFaults(recipe)) fault([...path], expected);
  for (const { path, expected } of roundFaults(recipe)) fault([...path], expected);
});

/** A recipe before its fields were held to each other. */
export type RecipeShape = z.infer<typeof recipeShape>;

export type Recipe = z.infer<typeof recipeSchema>;
export type RecipeInput = z.input<typeof recipeSchema>;

/**
 * Number of rows of the class embedding: one a (site, class) pair or one a class, and a last one for "no condition".
 *
 * @param siteCount Sites of the run, fixed at its start.
 */
export function embeddingRows(recipe: Recipe, siteCount: number): number {
  return (recipe.conditioning.site ? siteCount : 1) * recipe.classes.length + 1;
}

/** Row of the class embedding for a class at a site; the last row (`embeddingRows - 1`) is "no condition". */
export function embeddingRow(recipe: Recipe, siteIndex: number, classIndex: number): number {
  return (recipe.conditioning.site ? siteIndex * recipe.classes.length : 0) + classIndex;
}
