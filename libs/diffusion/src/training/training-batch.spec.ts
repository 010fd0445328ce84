import { describe, expect, it } from '@jest/globals';
import { objectiveSchema, type ProcessKind } from '@tributary/protocol/recipe-diffusion';
import { recipeSchema, type Recipe } from '@tributary/protocol/recipe';
import { randomStream } from '@tributary/random';
import fc from 'fast-check';
import { createDiffusionModel } from '../parameterisation/diffusion-model.js';
import { noiseRatio, signalToNoise, type NoiseLevel } from '../processes/noise-process.js';
import { SMALL_CLASS_ROWS, smallRecipe } from '../recipe.spec-support.js';
import { estimateWeight } from './loss-weight.js';
import { noiseLevelSampler } from './time-sampling.js';
import { drawTrainingBatch, type TrainingBatch } from './training-batch.js';

const KINDS = ['edm', 'ddpm', 'vp', 'sub-vp', 've', 'ncsn'] as const satisfies readonly ProcessKind[];
const { prediction, weighting, timeSampling } = objectiveSchema.shape;

/** Every combination of process, prediction, weighting and time sampling that the recipe schema allows. */
function allowedRecipes(): [string, Recipe][] {
  const allowed: [string, Recipe][] = [];
  for (const kind of KINDS) {
    for (const predicted of prediction.options) {
      for (const weighted of weighting.unwrap().options) {
        for (const sampled of [undefined, ...timeSampling.unwrap().options]) {
          const changes = {
            process: { kind },
            objective: { prediction: predicted, weighting: weighted, timeSampling: sampled },
            evaluation: { sampler: 'heun' },
          };
          const parsed = recipeSchema.safeParse({ ...smallRecipe(), ...changes });
          if (parsed.success) allowed.push([[kind, predicted, weighted, sampled].join(' '), parsed.data]);
        }
      }
    }
  }
  return allowed;
}

const PIXELS = 64;
const COUNT = 6;

function draw(recipe: Recipe, seed: number): { batch: TrainingBatch; images: Float32Array } {
  const random = randomStream(seed, 'batch');
  const images = new Float32Array(COUNT * PIXELS);
  random.fillUniform(images);
  const source = { images, classRows: Int32Array.from({ length: COUNT }, (_, i) => i % 2), random };
  return {
    batch: drawTrainingBatch(source, { model: createDiffusionModel(recipe), recipe, classRows: SMALL_CLASS_ROWS }),
    images,
  };
}

describe('training batches', () => {
  const allowed = allowedRecipes();

  it('exist for every process', () => {
    expect(new Set(allowed.map(([, recipe]) => recipe.process.kind))).toEqual(new Set(KINDS));
    expect(allowed.length).toBeGreaterThan(50);
  });

  it.each(allowed)('of %s hold finite numbers and inputs of moderate size', (_, recipe) => {
    const { batch } = draw(recipe, 7);
    for (const values of [batch.image, batch.target, batch.weight, batch.noiseLevel]) {
      expect(values.every(Number.isFinite)).toBe(true);
    }
    expect(batch.weight.every((weight) => weight > 0)).toBe(true);
    const rms = Math.sqrt(batch.image.reduce((sum, value) => sum + value ** 2, 0) / batch.image.length);
    expect(rms).toBeLessThan(3);
  });

  it('have targets from which the factors of the model give back the image', () => {
    for (const [, recipe] of allowed.filter(([name]) => name.endsWith('simple '))) {
      const model = createDiffusionModel(recipe);
      const random = randomStream(11, 'batch');
      const images = new Float32Array(PIXELS).fill(0.25);
      const source = { images, classRows: Int32Array.of(0), random };
      const batch = drawTrainingBatch(source, { model, recipe, classRows: SMALL_CLASS_ROWS });
      const level = noiseLevelSampler(model.process, recipe)(randomStream(11, 'batch'));
      const { input, skip, output } = model.preconditioning(level);
      // float32 holds the input to 1e-7 of itself; the way back to the image magnifies that by skip / input.
      const tolerance = 1e-5 + 1e-6 * Math.abs(skip / input);
      batch.image.forEach((value, i) => {
        const denoised = (skip * value) / input + output * (batch.target[i] ?? NaN);
        expect(Math.abs(denoised - 0.25)).toBeLessThan(tolerance);
      });
    }
  });

  it('show about the asked share of images without their class', () => {
    const recipe = smallRecipe({ conditioning: { site: false, dropout: 0.25 } });
    let dropped = 0;
    for (let seed = 0; seed < 200; seed++)
      dropped += draw(recipe, seed).batch.classRow.filter((row) => row === 2).length;
    // 1,200 draws: one standard deviation is 0.0125.
    expect(Math.abs(dropped / (200 * COUNT) - 0.25)).toBeLessThan(0.05);
  });

  it('mirror whole images when asked to, and only then', () => {
    const recipe = smallRecipe({ process: { kind: 'edm', pMean: -19, pStd: 1e-3 } });
    const mirrored = smallRecipe({ ...recipe, data: { ...recipe.data, horizontalFlip: true } });
    // With next to no noise the input is the image, up to its scale.
    const isFlipped = ({ batch, images }: ReturnType<typeof draw>, example: number): boolean => {
      const scale = 1 / 0.5;
      const matches = (column: (x: number) => number): boolean =>
        batch.image.subarray(example * PIXELS, (example + 1) * PIXELS).every((value, i) => {
          const source = example * PIXELS + Math.floor(i / 8) * 8 + column(i % 8);
          return Math.abs(value - scale * (images[source] ?? NaN)) < 1e-4;
        });
      expect(matches((x) => x) || matches((x) => 7 - x)).toBe(true);
      return matches((x) => 7 - x);
    };
    const flips = Array.from({ length: COUNT }, (_, i) => isFlipped(draw(mirrored, 3), i));
    expect(new Set(flips)).toEqual(new Set([true, false]));
    expect(Array.from({ length: COUNT }, (_, i) => isFlipped(draw(recipe, 3), i))).not.toContain(true);
  });
});

describe('noise levels of training', () => {
  it('are log-normal with EDM', () => {
    const recipe = smallRecipe({ process: { kind: 'edm', pMean: -0.7, pStd: 1.5 } });
    const sample = noiseLevelSampler(createDiffusionModel(recipe).process, recipe);
    const random = randomStream(2, 'levels');
    const logs = Array.from({ length: 4000 }, () => Math.log(sample(random).sigma));
    const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
    const stddev = Math.sqrt(logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logs.length);
    // 4,000 draws: one standard deviation of the mean is 0.024, of the standard deviation 0.017.
    expect(Math.abs(mean + 0.7)).toBeLessThan(0.1);
    expect(Math.abs(stddev - 1.5)).toBeLessThan(0.07);
  });

  it('are uniform in the log ratio with importance sampling', () => {
    const objective = { prediction: 'epsilon', weighting: 'likelihood', timeSampling: 'importance' } as const;
    const recipe = smallRecipe({ process: { kind: 'vp' }, objective });
    const { process } = createDiffusionModel(recipe);
    const sample = noiseLevelSampler(process, recipe);
    const low = Math.log(noiseRatio(process.level(process.minTime)));
    const high = Math.log(noiseRatio(process.level(process.maxTime)));
    const random = randomStream(2, 'levels');
    const below = Array.from({ length: 2000 }, () => Math.log(noiseRatio(sample(random)))).filter(
      (logRatio) => logRatio < low + 0.3 * (high - low),
    );
    // 2,000 draws: one standard deviation of the share is 0.010.
    expect(Math.abs(below.length / 2000 - 0.3)).toBeLessThan(0.045);
  });
});

describe('weights of errors', () => {
  const weightOf = (weight: Recipe['objective']['weighting'], gamma = 5): ReturnType<typeof estimateWeight> => {
    const objective = { prediction: 'epsilon' as const, weighting: weight, minSnrGamma: gamma };
    const recipe = smallRecipe({ process: { kind: 'vp' }, objective });
    return estimateWeight(recipe.objective);
  };
  const { process } = createDiffusionModel(
    smallRecipe({ process: { kind: 'vp' }, objective: { prediction: 'epsilon' } }),
  );

  it('are none with simple weighting', () => {
    expect(weightOf('simple')).toBeUndefined();
  });

  it('are the signal-to-noise ratio up to gamma with min-snr', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1, noNaN: true }), (time) => {
        const level = process.level(time);
        expect(weightOf('min-snr', 3)?.(level)).toBeCloseTo(Math.min(signalToNoise(level), 3), 9);
      }),
    );
  });

  it.each(['edm', 'vp', 'sub-vp', 've'] as const)(
    'and the levels that they meet make the likelihood bound with %s: g² on the score, evenly over time',
    (kind) => {
      const objective = { prediction: kind === 'edm' ? 'edm' : 'epsilon', weighting: 'likelihood' } as const;
      const recipe = smallRecipe({ process: { kind }, objective });
      const { process } = createDiffusionModel(recipe);
      // A squared error of the clean image that makes g² on the score's, (g alpha / sigma²)², a moderate number.
      const error = (level: NoiseLevel): number => 1 / signalToNoise(level) / (1 + noiseRatio(level));
      const integrals = [0, 0];
      const nodes = 20_000;
      const timeAt = (share: number): number => process.minTime * (process.maxTime / process.minTime) ** share;
      for (let i = 0; i < nodes; i++) {
        const level = process.level(timeAt((i + 0.5) / nodes));
        const dt = timeAt((i + 1) / nodes) - timeAt(i / nodes);
        const rate = process.diffusion(level.time) ** 2 / level.sigma ** 2;
        integrals[0] = (integrals[0] ?? 0) + rate * signalToNoise(level) * error(level) * dt;
        integrals[1] = (integrals[1] ?? 0) + rate * dt;
      }
      const [bound = NaN, total = NaN] = integrals;
      const weight = estimateWeight(recipe.objective);
      const sample = noiseLevelSampler(process, recipe);
      const random = randomStream(4, 'bound');
      let drawn = 0;
      for (let i = 0; i < 20_000; i++) {
        const level = sample(random);
        drawn += ((weight?.(level) ?? NaN) * error(level)) / 20_000;
      }
      // 20,000 draws of numbers in [0, 1]: one standard deviation of the mean is 0.0035 at most.
      expect(Math.abs(drawn - bound / total)).toBeLessThan(0.015);
    },
  );
});
