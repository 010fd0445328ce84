import { describe, expect, it } from '@jest/globals';
import { recordRecipe } from './recorded-recipe.js';
import { embeddingRow, embeddingRows, recipeSchema, type RecipeInput } from './recipe.js';

function validRecipe(): RecipeInput {
  return {
    name: 'brain phantom',
    seed: 7,
    image: { sizePx: 32, channels: 1 },
    classes: ['base', 'base-lesion'],
    data: { intensity: { method: 'percentile' } },
    conditioning: {},
    network: { kind: 'unet2d', blockOutChannels: [16, 32], attention: [false, true] },
    process: { kind: 'edm' },
    objective: { prediction: 'edm' },
    optimiser: { kind: 'adamw', learningRate: 2e-3 },
    rounds: { count: 10, localSteps: 8, batchSize: 16, quorum: 2 },
    strategy: { kind: 'fedavg' },
    evaluation: { sampler: 'heun' },
  };
}

/** Every leaf of a value with its path. */
function leaves(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, member]) =>
    leaves(member, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

function withLeaf(value: unknown, path: readonly (string | number)[], leaf: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return leaf;
  if (Array.isArray(value))
    return value.map((member: unknown, index) => (index === key ? withLeaf(member, rest, leaf) : member));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, name === key ? withLeaf(member, rest, leaf) : member]),
  );
}

describe('a recipe', () => {
  const recipe = recipeSchema.parse(validRecipe());

  it('fills in its defaults', () => {
    expect(recipe.process).toEqual({
      kind: 'edm',
      sigmaData: 0.5,
      sigmaMin: 0.002,
      sigmaMax: 80,
      rho: 7,
      pMean: -1.2,
      pStd: 1.2,
    });
    expect(recipe.data.onBadFile).toBe('skip');
  });

  it.each<[number[], number]>([
    [[16, 32], 8],
    [[8, 16, 32], 4],
    [[12, 32], 4],
    [[6], 3],
    [[2], 1],
  ])(
    'divides the channels %j into %i groups of two or more when it is not told how many',
    (blockOutChannels, groups) => {
      const attention = blockOutChannels.map(() => false);
      const network = { kind: 'unet2d', blockOutChannels, attention, attentionHeadDim: 2 } as const;
      const parsed = recipeSchema.parse({ ...validRecipe(), network });
      expect(parsed.network.normGroups).toBe(groups);
      expect(recipeSchema.parse(parsed)).toEqual(parsed);
    },
  );

  it('scales the betas of a short chain so that it ends in noise', () => {
    const objective = { prediction: 'epsilon' } as const;
    const processOf = (timesteps: number) =>
      recipeSchema.parse({ ...validRecipe(), process: { kind: 'ddpm', timesteps }, objective }).process;
    // Ho et al. 2020, section 4
    expect(processOf(1000)).toMatchObject({ betaStart: 1e-4, betaEnd: 0.02 });
    expect(processOf(100)).toMatchObject({ betaStart: 1e-3, betaEnd: 0.2 });
    expect(processOf(12)).toMatchObject({ betaEnd: 0.999 });
  });

  it('takes the usual steps of its sampler when it does not say how many', () => {
    expect(recipe.evaluation.steps).toBe(12);
    const asked = recipeSchema.parse({ ...validRecipe(), evaluation: { sampler: 'euler-maruyama' } });
    expect(asked.evaluation.steps).toBe(100);
  });

  it('averages with a constant decay when it names none or only the decay', () => {
    const averages = (serverEma?: RecipeInput['serverEma']) =>
      recipeSchema.parse({ ...validRecipe(), serverEma }).serverEma;
    expect(averages()).toEqual({ kind: 'constant', decay: 0.9 });
    expect(averages({ decay: 0.99 })).toEqual({ kind: 'constant', decay: 0.99 });
    expect(averages({ kind: 'power-function' })).toEqual({ kind: 'power-function', widths: [0.1, 0.05] });
  });

  it('needs heads that divide the channels of the deepest level, whose middle always attends', () => {
    const network = { kind: 'unet2d', blockOutChannels: [8, 12], attention: [false, false], normGroups: 4 } as const;
    const { error } = recipeSchema.safeParse({ ...validRecipe(), network });
    expect(error?.issues).toMatchObject([
      { path: ['network', 'blockOutChannels', 1], message: 'divisible by attentionHeadDim (8)' },
    ]);
  });

  it('refuses local steps and AMSGrad where a round is one step that the coordinator takes', () => {
    const strategy = { kind: 'fedsgd' } as const;
    const optimiser = { ...validRecipe().optimiser, amsgrad: true };
    const { error } = recipeSchema.safeParse({ ...validRecipe(), strategy, optimiser });
    expect(error?.issues.map(({ path }) => path.join('.'))).toEqual(['rounds.localSteps', 'optimiser.amsgrad']);
    const rounds = { ...validRecipe().rounds, localSteps: 1 };
    expect(recipeSchema.safeParse({ ...validRecipe(), strategy, rounds }).success).toBe(true);
  });

  it('has a hash that depends on its content and not on the order of its fields', () => {
    const reversed = Object.fromEntries(Object.entries(validRecipe()).reverse());
    const hash = (input: object): string => recordRecipe(recipeSchema.parse(input)).recipeSha256;
    expect(hash(reversed)).toBe(hash(validRecipe()));
    expect(hash({ ...validRecipe(), seed: 8 })).not.toBe(hash(validRecipe()));
  });

  it.each(leaves(recipe).map((path) => [path.join('.'), path] as const))(
    'names the field %s when its value makes no sense',
    (_name, path) => {
      for (const nonsense of [{ no: 'sense' }, Number.NaN, -1e12]) {
        const parsed = recipeSchema.safeParse(withLeaf(recipe, path, nonsense));
        const named = parsed.success ? [] : parsed.error.issues.map((issue) => issue.path.join('.'));
        expect(named.some((field) => path.join('.').startsWith(field))).toBe(true);
      }
    },
  );

  it.each([
    ['process.kind', 'sub-vp', { process: { kind: 'flow' } }],
    ['objective.prediction', 'velocity', { objective: { prediction: 'noise' } }],
    ['objective.prediction', 'epsilon', { process: { kind: 'vp' } }],
    ['evaluation.sampler', 'dpmpp-2m', { evaluation: { sampler: 'magic' } }],
    ['evaluation.sampler', 'euler-maruyama', { evaluation: { sampler: 'langevin' } }],
    ['evaluation.steps', '1', { evaluation: { sampler: 'heun', steps: 0 } }],
    ['serverEma.kind', 'power-function', { serverEma: { kind: 'linear' } }],
    ['serverEma.widths', 'widths that differ', { serverEma: { kind: 'power-function', widths: [0.1, 0.1] } }],
    ['image.channels', '3 (colour)', { image: { sizePx: 32, channels: 2 } }],
    ['image.sizePx', 'divisible by 2', { image: { sizePx: 33, channels: 1 } }],
  ])('refuses another %s and says that %s fits', (field, fitting, change) => {
    const { error } = recipeSchema.safeParse({ ...validRecipe(), ...change });
    const named = error?.issues.find(({ path }) => path.join('.') === field);
    expect(named?.message).toContain(fitting);
  });

  it('refuses a field it does not know', () => {
    const parsed = recipeSchema.safeParse({ ...validRecipe(), learningRate: 1 });
    expect(parsed.error?.issues[0]?.message).toContain('learningRate');
  });

  it.each([
    ['network.attention', { network: { kind: 'unet2d', blockOutChannels: [16, 32], attention: [true] } }],
    ['image.sizePx', { image: { sizePx: 33, channels: 1 } }],
    [
      'network.blockOutChannels.0',
      { network: { kind: 'unet2d', blockOutChannels: [12, 32], attention: [false, false], normGroups: 8 } },
    ],
    ['objective.prediction', { objective: { prediction: 'epsilon' } }],
    [
      'network.normGroups',
      { network: { kind: 'unet2d', blockOutChannels: [8, 16], attention: [false, false], normGroups: 8 } },
    ],
    ['evaluation.sampler', { evaluation: { sampler: 'langevin' } }],
    ['evaluation.guidance', { conditioning: { dropout: 0 }, evaluation: { sampler: 'heun', guidance: 2 } }],
    ['image.depthPx', { image: { sizePx: 32, channels: 1, depthPx: 8 } }],
    ['image.depthPx', { network: { kind: 'unet3d', blockOutChannels: [16, 32], attention: [false, true] } }],
    ['conditioning.image.factor', { conditioning: { image: { kind: 'low-resolution', factor: 5 } } }],
    ['objective.variance', { objective: { prediction: 'edm', variance: 'learned' } }],
    ['objective.output', { objective: { prediction: 'edm', output: 'prediction' } }],
    ['objective.output', { process: { kind: 've' }, objective: { prediction: 'epsilon', output: 'prediction' } }],
    ['objective.output', { process: { kind: 'ddpm' }, objective: { prediction: 'velocity', output: 'prediction' } }],
    ['optimiser.accumulationSteps', { optimiser: { kind: 'adamw', learningRate: 1e-3, accumulationSteps: 3 } }],
    ['evaluation.steps', { evaluation: { sampler: 'heun', steps: 5 } }],
    ['evaluation.settings.snr', { evaluation: { sampler: 'heun', settings: { snr: 0.2 } } }],
    ['objective.timeSampling', { objective: { prediction: 'edm', weighting: 'likelihood', timeSampling: 'uniform' } }],
    ['objective.prediction', { process: { kind: 'vp' }, objective: { prediction: 'sample', weighting: 'likelihood' } }],
    [
      'process.betaEnd',
      { process: { kind: 'ddpm', timesteps: 100, betaEnd: 0.02 }, objective: { prediction: 'epsilon' } },
    ],
    ['process.betaMax', { process: { kind: 'vp', betaMax: 2 }, objective: { prediction: 'epsilon' } }],
    ['process.sigmaMax', { process: { kind: 've', sigmaMax: 0.5 }, objective: { prediction: 'score' } }],
    [
      'evaluation.steps',
      {
        process: { kind: 'ncsn', levels: 10 },
        objective: { prediction: 'score' },
        evaluation: { sampler: 'langevin', steps: 20 },
      },
    ],
    ['rounds.count', { rounds: { count: 0, localSteps: 8, batchSize: 16, quorum: 2 } }],
    [
      'federation.localParameters',
      {
        rounds: { count: 0, localSteps: 8, batchSize: 16, quorum: 2 },
        startFrom: { weightsSha256: 'a'.repeat(64) },
        federation: { localParameters: ['norms'] },
      },
    ],
    ['classes', { classes: ['base', 'base'] }],
    ['federation.exchange', { strategy: { kind: 'fedbuff' }, federation: { exchange: 'usplit' } }],
    ['federation.exchange', { strategy: { kind: 'multi-krum', byzantine: 0 }, federation: { exchange: 'usplit' } }],
  ])('names %s when it does not fit the rest', (path, change) => {
    const parsed = recipeSchema.safeParse({ ...validRecipe(), ...change });
    expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toContain(path);
  });

  it('has one embedding row a site and class, and a last one for no condition', () => {
    expect(embeddingRows(recipe, 3)).toBe(7);
    expect(embeddingRow(recipe, 2, 1)).toBe(5);
    const classOnly = recipeSchema.parse({ ...validRecipe(), conditioning: { site: false } });
    expect(embeddingRows(classOnly, 3)).toBe(3);
    expect(embeddingRow(classOnly, 2, 1)).toBe(1);
  });
});
