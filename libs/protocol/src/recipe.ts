import { z } from 'zod';

const probability = z.number().min(0).max(1);
const positive = z.number().positive();
const count = (max: number) => z.int().min(1).max(max);

export const intensitySchema = z.discriminatedUnion('method', [
  z.strictObject({
    method: z.literal('percentile'),
    low: z.number().min(0).max(50).default(0),
    high: z.number().min(50).max(100).default(99.5),
  }),
  z.strictObject({ method: z.literal('window'), low: z.number(), high: z.number() }),
]);

export const networkSchema = z.strictObject({
  kind: z.literal('unet2d'),
  blockOutChannels: z.array(count(1024)).min(1).max(6),
  layersPerBlock: count(4).default(1),
  /** One flag a level, finest first: self-attention after each residual block of that level. */
  attention: z.array(z.boolean()).min(1).max(6),
  attentionHeadDim: count(256).default(8),
  normGroups: count(64).default(8),
  normEpsilon: positive.default(1e-5),
  dropout: z.number().min(0).max(0.9).default(0),
  timeEmbedding: z.enum(['positional', 'fourier']).default('positional'),
  resample: z.enum(['conv', 'resnet']).default('conv'),
  timeScaleShift: z.boolean().default(false),
});

export const edmProcessSchema = z.strictObject({
  kind: z.literal('edm'),
  sigmaData: positive.default(0.5),
  sigmaMin: positive.default(0.002),
  sigmaMax: positive.default(80),
  rho: positive.default(7),
  /** Mean and standard deviation of ln(sigma) in training (Karras et al. 2022, table 1). */
  pMean: z.number().min(-20).max(20).default(-1.2),
  pStd: positive.default(1.2),
});

export const ddpmProcessSchema = z.strictObject({
  kind: z.literal('ddpm'),
  timesteps: z.int().min(2).max(10_000).default(1000),
  betaSchedule: z.enum(['linear', 'scaled_linear', 'cosine', 'sigmoid']).default('linear'),
  betaStart: positive.default(1e-4),
  betaEnd: positive.default(0.02),
});

export const processSchema = z.discriminatedUnion('kind', [edmProcessSchema, ddpmProcessSchema]);

export const objectiveSchema = z.strictObject({
  prediction: z.enum(['edm', 'epsilon']),
});

export const optimiserSchema = z.strictObject({
  kind: z.literal('adamw'),
  learningRate: positive.max(1),
  beta1: probability.default(0.9),
  beta2: probability.default(0.999),
  epsilon: positive.default(1e-8),
  weightDecay: z.number().min(0).max(1).default(0),
  clipNorm: positive.default(1),
  /** In local steps over the whole run. */
  warmupSteps: z.int().min(0).default(0),
  schedule: z.enum(['constant', 'cosine']).default('cosine'),
});

export const roundsSchema = z.strictObject({
  count: count(100_000),
  localSteps: count(100_000),
  batchSize: count(1024),
  deadlineSeconds: z
    .number()
    .positive()
    .max(30 * 24 * 3600)
    .default(3600),
  /** Fewest updates that make a round count. */
  quorum: count(10_000),
  /** Fewest training images a site must have to take part. */
  minImages: count(1_000_000).default(1),
  /** How often an abandoned round is tried again before the run pauses. */
  maxAttempts: count(100).default(5),
});

export const strategySchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('fedavg'),
    serverLearningRate: positive.default(1),
    /** Rows of class and site embeddings are averaged only over the sites that own them. */
    ownedRows: z.boolean().default(true),
  }),
]);

export const serverEmaSchema = z.strictObject({
  decay: z.number().min(0).max(0.99999).default(0.9),
});

export const evaluationSchema = z.strictObject({
  sampler: z.enum(['heun', 'ddim']),
  steps: z.int().min(1).max(1000).default(12),
  guidance: z.number().min(0).max(20).default(1),
  samplesPerSite: z.int().min(8).max(100_000).default(128),
  extractorSeed: z.int().min(0).default(5),
  utilitySeeds: z.int().min(0).max(20).default(3),
  /** Classes that sites are short of: the utility classifier tells them from the others. None: no utility is measured. */
  scarceClasses: z.array(z.string()).default([]),
});

const recipeShape = z.strictObject({
  name: z.string().min(1).max(100),
  seed: z.int().min(0).max(0xffff_ffff),
  image: z.strictObject({ sizePx: z.int().min(8).max(256), channels: z.union([z.literal(1), z.literal(3)]) }),
  /** Class names in the order of their indices; must be those of the study. */
  classes: z.array(z.string().min(1).max(60)).min(1).max(1000),
  data: z.strictObject({
    intensity: intensitySchema,
    onBadFile: z.enum(['skip', 'refuse']).default('skip'),
    heldOutFraction: z.number().gt(0).lt(1).default(0.2),
    horizontalFlip: z.boolean().default(false),
  }),
  conditioning: z.strictObject({
    /** One embedding row a (site, class) pair when true, one a class when false; one more row stands for "no condition". */
    site: z.boolean().default(true),
    dropout: probability.default(0.1),
  }),
  network: networkSchema,
  process: processSchema,
  objective: objectiveSchema,
  optimiser: optimiserSchema,
  rounds: roundsSchema,
  strategy: strategySchema,
  serverEma: serverEmaSchema.prefault({}),
  evaluation: evaluationSchema,
  privacy: z.strictObject({ kind: z.literal('none') }).default({ kind: 'none' }),
});

/** The whole, immutable description of a run. Its SHA-256 (`recipeHash`) is what sites approve. */
export const recipeSchema = recipeShape.superRefine((recipe, context) => {
  const fault = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  const levels = recipe.network.blockOutChannels.length;
  if (recipe.network.attention.length !== levels)
    fault(['network', 'attention'], `one flag for each of the ${levels} levels of blockOutChannels`);
  if (recipe.image.sizePx % 2 ** (levels - 1) !== 0)
    fault(['image', 'sizePx'], `divisible by ${2 ** (levels - 1)} for ${levels} levels`);
  recipe.network.blockOutChannels.forEach((channels, level) => {
    if (channels % recipe.network.normGroups !== 0)
      fault(['network', 'blockOutChannels', level], `divisible by normGroups (${recipe.network.normGroups})`);
    if (recipe.network.attention[level] === true && channels % recipe.network.attentionHeadDim !== 0)
      fault(
        ['network', 'blockOutChannels', level],
        `divisible by attentionHeadDim (${recipe.network.attentionHeadDim})`,
      );
  });
  if (new Set(recipe.classes).size !== recipe.classes.length) fault(['classes'], 'class names that differ');
  recipe.evaluation.scarceClasses.forEach((name, index) => {
    if (!recipe.classes.includes(name)) fault(['evaluation', 'scarceClasses', index], 'one of classes');
  });
  if (recipe.process.kind === 'edm' && recipe.objective.prediction !== 'edm')
    fault(['objective', 'prediction'], 'edm with process.kind edm');
  if (recipe.process.kind === 'ddpm' && recipe.objective.prediction === 'edm')
    fault(['objective', 'prediction'], 'epsilon with process.kind ddpm');
  if (recipe.process.kind === 'edm' && recipe.process.sigmaMin >= recipe.process.sigmaMax)
    fault(['process', 'sigmaMin'], 'less than sigmaMax');
  if (recipe.process.kind === 'ddpm' && recipe.process.betaStart > recipe.process.betaEnd)
    fault(['process', 'betaStart'], 'at most betaEnd');
  if (recipe.process.kind === 'ddpm' && recipe.evaluation.steps > recipe.process.timesteps)
    fault(['evaluation', 'steps'], 'at most process.timesteps');
  if (recipe.process.kind === 'edm' && recipe.evaluation.sampler !== 'heun')
    fault(['evaluation', 'sampler'], 'heun with process.kind edm');
  if (recipe.process.kind === 'ddpm' && recipe.evaluation.sampler !== 'ddim')
    fault(['evaluation', 'sampler'], 'ddim with process.kind ddpm');
});

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
