import { describe, expect, it } from '@jest/globals';
import type { RecipeInput } from '@tributary/protocol/recipe';
import { randomStream } from '@tributary/random';
import { createDiffusionModel, type DiffusionModel } from '../parameterisation/diffusion-model.js';
import { denoisedFrom } from '../parameterisation/prediction.js';
import { createDdim } from '../samplers/ddim.js';
import { createDpmSolver } from '../samplers/dpm-solver.js';
import { createHeun } from '../samplers/heun.js';
import type { NoiseLevel } from '../processes/noise-process.js';
import { smallRecipe } from '../recipe.spec-support.js';
import { planSampling } from './sampling-plan.js';

const SIDE = 16;
const VALUES = SIDE ** 2;
/** A disc of 0.5 on black: the only image there is. */
const IMAGE = Float64Array.from({ length: VALUES }, (_, i) =>
  Math.hypot((i % SIDE) - 7.5, Math.floor(i / SIDE) - 7.5) < 6 ? 0.5 : -1,
);
/** Noise of 256 values is this much too strong once in twenty images. */
const STRENGTH = 1.09;
/** With the standard deviation of the data that the raw output is made for: v is that of EDM for 1. */
const PROCESSES: readonly (readonly [RecipeInput['process'], number])[] = [
  [{ kind: 've', sigmaData: 0.5 }, 0.5],
  [{ kind: 'ncsn', levels: 200, sigmaData: 0.5 }, 0.5],
  [{ kind: 'ddpm' }, 1],
  [{ kind: 'vp' }, 1],
  [{ kind: 'sub-vp' }, 1],
];

const rms = (values: Float64Array): number => Math.hypot(...values) / Math.sqrt(values.length);

/** What the network should say of this noise if it had its average strength, which is all that group normalisation lets it see. */
function blindOutput(model: DiffusionModel, noise: Float64Array, level: NoiseLevel) {
  const { skip, output } = model.preconditioning(level);
  const strength = rms(noise);
  return IMAGE.map((value, i) => {
    const x = level.alpha * value + (level.sigma * (noise[i] ?? 0)) / strength;
    return (value - skip * x) / output;
  });
}

/** Samplers without the limits that plans put on estimates: what the network's errors come to by themselves. */
const SAMPLERS = { ddim: createDdim(), heun: createHeun(), 'dpmpp-2m': createDpmSolver() };

async function imageFromStrongNoise(
  process: RecipeInput['process'],
  name: keyof typeof SAMPLERS,
): Promise<Float64Array> {
  const model = createDiffusionModel(
    smallRecipe({ process, objective: { prediction: 'score' }, evaluation: { sampler: 'ddim' } }),
  );
  const { levels, startStddev } = planSampling({
    process: model.process,
    output: model.output,
    sampler: name,
    steps: 20,
  });
  const random = randomStream(5, 'noise');
  const drawn = Float64Array.from({ length: VALUES }, () => random.normal());
  const scale = (STRENGTH * startStddev) / rms(drawn);
  return SAMPLERS[name]({
    denoiser: async (x, level) => {
      const noise = x.map((value, i) => (value - level.alpha * (IMAGE[i] ?? 0)) / level.sigma);
      return denoisedFrom(model.preconditioning(level), x, blindOutput(model, noise, level));
    },
    process: model.process,
    start: drawn.map((value) => scale * value),
    levels,
    noise: () => new Float64Array(VALUES),
  });
}

describe.each(PROCESSES)(
  'a score network of process %j that cannot tell how strong the noise is',
  (process, sigmaData) => {
    it.each(['ddim', 'heun', 'dpmpp-2m'] as const)(
      'leaves no more than the surplus in the image with %s',
      async (name) => {
        const image = await imageFromStrongNoise(process, name);
        const left = rms(image.map((value, i) => value - (IMAGE[i] ?? 0)));
        expect(left).toBeLessThan(1.1 * sigmaData * (STRENGTH - 1));
      },
    );
  },
);
