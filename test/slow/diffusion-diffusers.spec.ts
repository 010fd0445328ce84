import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createSampler } from '@tributary/diffusion';
import { exportDiffusers } from '@tributary/diffusion/exchange/export-diffusers';
import { importDiffusers } from '@tributary/diffusion/exchange/import-diffusers';
import { rawOutputOf } from '@tributary/diffusion/parameterisation/raw-output';
import { initialWeights } from '@tributary/diffusion/network/parameter';
import { tensorOf } from '@tributary/diffusion/network/tensor-of';
import { createUNet } from '@tributary/diffusion/network/unet';
import { unetConfig, type UNetConfig } from '@tributary/diffusion/network/unet-config';
import { unetParameters } from '@tributary/diffusion/network/unet-parameters';
import { unetStructure } from '@tributary/diffusion/network/unet-structure';
import { recipeSchema, type Recipe, type RecipeInput } from '@tributary/protocol/recipe';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import { unflatten } from '@tributary/layers';
import type { Engine } from '@tributary/tensor';
import { Rank } from '@tensorflow/tfjs-core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DIFFUSERS, findPython, runPython } from './python-environment.js';

/** Loading PyTorch alone takes seconds. */
jest.setTimeout(300_000);

const python = await findPython(DIFFUSERS);
const withDiffusers = python === undefined ? describe.skip : describe;

const SCRIPT = join(import.meta.dirname, 'diffusion-diffusers.py');
const CLASS_ROWS = 3;
const CONDITIONS = { times: [3, 741], classRows: [0, 2] };

function recipeWith(network: Partial<RecipeInput['network']>, changes: Partial<RecipeInput> = {}): Recipe {
  return recipeSchema.parse({
    name: 'exchange',
    seed: 11,
    image: { sizePx: 16, channels: 1 },
    classes: ['left', 'right'],
    data: { intensity: { method: 'percentile' } },
    conditioning: { site: false },
    network: {
      kind: 'unet2d',
      blockOutChannels: [8, 16],
      attention: [false, true],
      attentionHeadDim: 8,
      normGroups: 4,
      ...network,
    },
    process: { kind: 'ddpm', timesteps: 100 },
    objective: { prediction: 'epsilon' },
    optimiser: { kind: 'adamw', learningRate: 1e-3 },
    rounds: { count: 1, localSteps: 1, batchSize: 4, quorum: 1 },
    strategy: { kind: 'fedavg' },
    evaluation: { sampler: 'ddim', steps: 10 },
    ...changes,
  });
}

function configOf(recipe: Recipe): UNetConfig {
  return unetConfig(recipe, CLASS_ROWS);
}

function startOf(config: UNetConfig): Float32Array {
  return initialWeights(unetParameters(unetStructure(config)), 5);
}

let engine: Engine;
let directory: string;
beforeAll(async () => {
  engine = await openEngine({ name: 'onnx', threads: 1 });
  directory = await mkdtemp(join(tmpdir(), 'diffusers-'));
});
afterAll(async () => {
  await engine.dispose();
  await rm(directory, { recursive: true });
});

/** Our forward pass on the script's input; [batch, channels, height, width] as PyTorch lists it. */
async function ourForward(config: UNetConfig, weights: Float32Array): Promise<number[]> {
  const { imageSize, inChannels } = config;
  const network = createUNet(config);
  const program = await engine.compile(
    (inputs, state) => {
      const parameters = unflatten(tensorOf(state, 'weights', Rank.R1), network.manifest);
      const conditions = {
        noiseLevel: tensorOf(inputs, 'time', Rank.R1),
        classRow: tensorOf(inputs, 'classRow', Rank.R1),
      };
      return { outputs: { y: network.forward({ parameters }, tensorOf(inputs, 'x', Rank.R4), conditions) } };
    },
    {
      inputs: {
        x: { shape: [2, imageSize, imageSize, inChannels] },
        time: { shape: [2] },
        classRow: { shape: [2], dtype: 'int32' },
      },
      state: { weights: { shape: [network.parameterCount] } },
    },
  );
  program.writeState('weights', weights);
  const pixels = imageSize ** 2;
  const size = 2 * inChannels * pixels;
  // Position of (example, pixel, channel) in the script's (example, channel, pixel) order.
  const planar = Array.from({ length: size }, (_, i) => {
    const channel = i % inChannels;
    const pixel = Math.floor(i / inChannels) % pixels;
    return (Math.floor(i / inChannels / pixels) * inChannels + channel) * pixels + pixel;
  });
  const { y = [] } = await program.run({
    x: Float32Array.from(planar, (position) => Math.sin(0.37 * position + 0.5)),
    time: Float32Array.from(CONDITIONS.times),
    classRow: Int32Array.from(CONDITIONS.classRows),
  });
  const result = new Array<number>(size).fill(NaN);
  planar.forEach((position, i) => (result[position] = y[i] ?? NaN));
  await program.dispose();
  return result;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  return Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] ?? NaN))), 0);
}

withDiffusers('a model folder in diffusers', () => {
  it.each<[string, Partial<RecipeInput['network']>, Partial<RecipeInput>]>([
    ['attention and convolutions between levels', {}, {}],
    ['residual blocks between levels', { resample: 'resnet' }, {}],
    [
      'the padding, heads and embedding of the first models',
      {
        downsamplePadding: 0,
        attentionHeadDim: null,
        flipSinToCos: false,
        frequencyShift: 1,
        normEpsilon: 1e-6,
      },
      {},
    ],
    ['scale and shift by the embedding', { timeScaleShift: true, resample: 'resnet' }, {}],
    [
      'three levels of two layers in colour',
      { blockOutChannels: [8, 16, 24], attention: [false, true, true], layersPerBlock: 2 },
      { image: { sizePx: 16, channels: 3 } },
    ],
  ])('gives the same output with %s', async (_, network, changes) => {
    const recipe = recipeWith(network, changes);
    const config = configOf(recipe);
    const weights = startOf(config);
    await exportDiffusers({ recipe, weights, classRows: CLASS_ROWS, directory });
    const theirs = await runPython(python, [SCRIPT, 'forward', directory], CONDITIONS);
    expect(largestDifference(await ourForward(config, weights), theirs)).toBeLessThan(1e-4);
    expect(await importDiffusers({ directory, config, output: rawOutputOf(recipe), seed: 1 })).toEqual(weights);
  });

  it.each<[string, Partial<RecipeInput>, number]>([
    // Raw outputs that are the noise have limits of our own (limited-estimate.ts); their forward pass is compared above.
    ['DDIM on noise prediction', {}, 1],
    ['DDIM on sample prediction', { objective: { prediction: 'sample' } }, 1],
    ['DDIM on v-prediction', { objective: { prediction: 'velocity' } }, 1],
    [
      "Euler on Karras et al.'s levels",
      { process: { kind: 'edm', sigmaMax: 40 }, objective: { prediction: 'edm' } },
      40,
    ],
  ])('draws the same image by %s', async (_, changes, startStddev) => {
    const recipe = recipeWith({}, changes);
    const weights = startOf(configOf(recipe));
    await exportDiffusers({ recipe, weights, classRows: CLASS_ROWS, directory });
    const generator = await createSampler({ engine, recipe, classRows: CLASS_ROWS, weights });
    const [ours = []] = await generator.generate({
      seeds: [9],
      classRows: Int32Array.of(1),
      sampler: 'ddim',
      steps: 10,
    });
    await generator.dispose();
    const noise = new Float32Array(recipe.image.sizePx ** 2);
    randomStream(9, 'sampling').fillNormal(noise);
    const request = { noise: [...noise], classRow: 1, steps: 10, startStddev };
    const theirs = await runPython(python, [SCRIPT, 'sample', directory], request);
    expect(largestDifference(ours, theirs)).toBeLessThan(2e-3);
  });

  it('draws the same image by DDPM with the variance that the network has learned', async () => {
    const recipe = recipeWith({}, { objective: { prediction: 'epsilon', variance: 'learned' } });
    const weights = startOf(configOf(recipe));
    await exportDiffusers({ recipe, weights, classRows: CLASS_ROWS, directory });
    const generator = await createSampler({ engine, recipe, classRows: CLASS_ROWS, weights });
    const request = { seeds: [9], classRows: Int32Array.of(1), sampler: 'ddpm', steps: 10 } as const;
    const [ours = []] = await generator.generate(request);
    await generator.dispose();
    const random = randomStream(9, 'sampling');
    const [noise, ...stepNoise] = Array.from({ length: 11 }, () => {
      const normals = new Float32Array(recipe.image.sizePx ** 2);
      random.fillNormal(normals);
      return [...normals];
    });
    const theirs = await runPython(python, [SCRIPT, 'sample', directory], { noise, stepNoise, classRow: 1, steps: 10 });
    expect(largestDifference(ours, theirs)).toBeLessThan(2e-3);
  });

  it('starts a run with its weights', async () => {
    const config = configOf(recipeWith({}));
    const theirFolder = join(directory, 'theirs');
    await runPython(python, [SCRIPT, 'create', theirFolder], {
      sample_size: 16,
      in_channels: 1,
      out_channels: 1,
      block_out_channels: [8, 16],
      layers_per_block: 1,
      norm_num_groups: 4,
      attention_head_dim: 8,
      down_block_types: ['DownBlock2D', 'AttnDownBlock2D'],
      up_block_types: ['AttnUpBlock2D', 'UpBlock2D'],
      num_class_embeds: CLASS_ROWS,
    });
    const weights = await importDiffusers({ directory: theirFolder, config, output: 'epsilon', seed: 1 });
    const theirs = await runPython(python, [SCRIPT, 'forward', theirFolder], CONDITIONS);
    expect(largestDifference(await ourForward(config, weights), theirs)).toBeLessThan(1e-4);
  });
});
