import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createSampler, createTrainer, type SamplerName } from '@tributary/diffusion';
import { accumulateMoments, frechetDistance, type FeatureMoments } from '@tributary/evaluation';
import { createExtractor, type Extractor } from '@tributary/evaluation/extractor';
import { loadAtlas, PHANTOM_CLASSES, readImageFolder, splitByPatient, writePhantomSite } from '@tributary/imaging';
import { embeddingRows, recipeSchema, type Recipe, type RecipeInput } from '@tributary/protocol/recipe';
import { openEngine } from '@tributary/engines';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';

jest.setTimeout(600_000);

const SIZE_PX = 16;
const PIXELS = SIZE_PX ** 2;
const BATCH = 16;
const TRAIN_STEPS = 400;
const IMAGES = 64;

interface LabelledImages {
  readonly images: Float32Array;
  readonly classRows: Int32Array;
}

function recipeOf(process: RecipeInput['process'], prediction: RecipeInput['objective']['prediction']): Recipe {
  return recipeSchema.parse({
    name: 'quality',
    seed: 3,
    image: { sizePx: SIZE_PX, channels: 1 },
    classes: [...PHANTOM_CLASSES],
    data: { intensity: { method: 'percentile', low: 0, high: 99.5 } },
    conditioning: { site: false },
    network: { kind: 'unet2d', blockOutChannels: [8, 16, 32], attention: [false, false, false], normGroups: 2 },
    process,
    objective: { prediction },
    optimiser: { kind: 'adamw', learningRate: 4e-3, warmupSteps: 20 },
    rounds: { count: 1, localSteps: TRAIN_STEPS, batchSize: BATCH, quorum: 1 },
    strategy: { kind: 'fedavg' },
    evaluation: { sampler: 'ddim', steps: 20 },
  });
}

function pick({ images, classRows }: LabelledImages, indices: Int32Array): LabelledImages {
  const picked = new Float32Array(indices.length * PIXELS);
  indices.forEach((index, row) => picked.set(images.subarray(index * PIXELS, (index + 1) * PIXELS), row * PIXELS));
  return { images: picked, classRows: indices.map((index) => classRows[index] ?? 0) };
}

async function phantom(directory: string): Promise<{ train: LabelledImages; heldOut: LabelledImages }> {
  await writePhantomSite({
    directory,
    site: { name: 'site', scanner: 'T1w', format: 'dicom', lesionRate: 0.05 },
    patients: 80,
    imageSizePx: SIZE_PX,
    atlas: await loadAtlas(),
    random: (...path) => randomStream(7, ...path),
  });
  const dataset = await readImageFolder({
    directory,
    imageSizePx: SIZE_PX,
    channels: 1,
    intensity: { method: 'percentile', low: 0, high: 99.5 },
    classes: PHANTOM_CLASSES,
    onBadFile: 'refuse',
  });
  const split = splitByPatient(dataset, { heldOutFraction: 0.25, random: randomStream(7, 'split') });
  const all = { images: dataset.images, classRows: dataset.classIndex };
  return { train: pick(all, split.train), heldOut: pick(all, split.heldOut) };
}

describe('a few hundred training steps on the phantom', () => {
  let folder: string;
  let engine: Engine;
  let extractor: Extractor;
  let data: { train: LabelledImages; heldOut: LabelledImages };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tributary-quality-'));
    engine = await openEngine({ name: 'onnx', threads: 1 });
    extractor = await createExtractor(engine, { imageSize: SIZE_PX, channels: 1, seed: 5 });
    data = await phantom(folder);
  });

  afterAll(async () => {
    await extractor.dispose();
    await engine.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  async function momentsOf(images: Float32Array): Promise<FeatureMoments> {
    const { dimensions, id } = extractor;
    const features = await extractor.features(images, images.length / PIXELS);
    return accumulateMoments(features, { dimensions, order: 2, extractor: id });
  }

  async function distance(images: Float32Array): Promise<number> {
    return frechetDistance(await momentsOf(images), await momentsOf(data.heldOut.images));
  }

  async function trainedWeights(recipe: Recipe): Promise<Float32Array> {
    const trainer = await createTrainer({ engine, recipe, classRows: embeddingRows(recipe, 1), emaDecay: 0.98 });
    trainer.setWeights(trainer.initialWeights(recipe.seed));
    for (let globalStep = 0; globalStep < TRAIN_STEPS; globalStep++) {
      const random = randomStream(recipe.seed, 'step', globalStep);
      const chosen = Int32Array.from({ length: BATCH }, () => random.integer(data.train.classRows.length));
      await trainer.step({ ...pick(data.train, chosen), random, globalStep });
    }
    const weights = await trainer.averagedWeights();
    await trainer.dispose();
    return weights;
  }

  async function drawn(recipe: Recipe, sampler: SamplerName, steps: number): Promise<Float32Array> {
    const weights = await trainedWeights(recipe);
    const generator = await createSampler({ engine, recipe, classRows: embeddingRows(recipe, 1), weights });
    const seeds = Array.from({ length: IMAGES }, (_, seed) => seed);
    const { classRows } = data.heldOut;
    const images = await generator.generate({
      seeds,
      classRows: Int32Array.from(seeds, (seed) => classRows[seed % classRows.length] ?? 0),
      sampler,
      steps,
    });
    await generator.dispose();
    const joined = new Float32Array(IMAGES * PIXELS);
    images.forEach((image, i) => joined.set(image, i * PIXELS));
    return joined;
  }

  it.each<[string, Recipe, SamplerName, number]>([
    ['EDM with Heun', recipeOf({ kind: 'edm', sigmaData: 0.68 }, 'edm'), 'heun', 12],
    ['VE with Heun', recipeOf({ kind: 've', sigmaData: 0.68 }, 'score'), 'heun', 12],
    ['DDPM with noise prediction and Heun', recipeOf({ kind: 'ddpm' }, 'epsilon'), 'heun', 12],
    ['DDPM with ancestral sampling', recipeOf({ kind: 'ddpm', betaSchedule: 'cosine' }, 'velocity'), 'ddpm', 50],
  ])('make %s come ten times nearer to held-out patients than noise', async (_name, recipe, sampler, steps) => {
    const noise = new Float32Array(IMAGES * PIXELS);
    randomStream(1, 'noise').fillNormal(noise);
    const reached = await distance(await drawn(recipe, sampler, steps));
    expect(reached).toBeLessThan(0.1 * (await distance(noise)));
  });
});
