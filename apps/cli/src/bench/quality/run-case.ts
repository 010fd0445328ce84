import { createSampler, type Generator } from '@tributary/diffusion';
import { embeddingRows, type Recipe } from '@tributary/protocol/recipe';
import type { SamplerName } from '@tributary/protocol/samplers';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import type { CommandContext } from '../../command-context.js';
import { concatenated } from '@tributary/layers/parameters/concatenated';
import { Progress } from '../../output/progress.js';
import { drawIndices } from './draw-indices.js';
import { SITE_COUNT, type PhantomImages } from './phantom-images.js';
import { costOf, samplingsFor, type QualityCase, type Sampling } from './quality-cases.js';
import type { QualityFolder } from './quality-folder.js';
import type { QualityOptions } from './quality-options.js';
import { qualityRecipe } from './quality-recipe.js';
import type { ImageScorer } from './score-images.js';
import { trainCase } from './train-case.js';

/** What the cases of one bench share. */
export interface QualityBench {
  readonly context: CommandContext;
  readonly options: QualityOptions;
  readonly samplers: readonly SamplerName[];
  readonly folder: QualityFolder;
  readonly engine: Engine;
  readonly phantom: PhantomImages;
  readonly scorer: ImageScorer;
}

/** The best and the worst that a row can be: real images of training patients, and noise. */
export async function scoreReferences(bench: QualityBench, recipe: Recipe): Promise<void> {
  const { folder, scorer, phantom, options } = bench;
  if (folder.records.some(({ kind }) => kind === 'reference')) return;
  const size = recipe.image.sizePx ** 2;
  const { images } = phantom.train;
  const chosen = drawIndices(images.length / size, options.images, randomStream(options.seed, 'real'));
  const real = concatenated(Array.from(chosen, (index) => images.subarray(index * size, (index + 1) * size)));
  const noise = new Float32Array(real.length);
  randomStream(options.seed, 'noise').fillNormal(noise);
  const record = { kind: 'reference', images: options.images } as const;
  await folder.add({ ...record, name: 'real', ...(await scorer.score(real)) });
  await folder.add({ ...record, name: 'noise', ...(await scorer.score(noise)) });
}

/** Trains a case and scores its samplings, each unless the folder has it. */
export async function runCase(bench: QualityBench, qualityCase: QualityCase): Promise<void> {
  const { folder, options, samplers, engine } = bench;
  const recipe = qualityRecipe(qualityCase, options);
  if (!folder.records.some((record) => record.kind === 'training' && record.case === qualityCase.name)) {
    await train(bench, qualityCase.name, recipe);
  }
  const missing = samplingsFor(recipe.process.kind).filter(
    (sampling) =>
      samplers.includes(sampling.sampler) &&
      costOf(sampling) <= options.longest &&
      !isScored(folder, qualityCase, sampling),
  );
  if (missing.length === 0) return;
  const weights = await folder.readFloats(qualityCase.name);
  const classRows = embeddingRows(recipe, SITE_COUNT);
  const generator = await createSampler({ engine, recipe, classRows, weights });
  try {
    for (const sampling of missing) await sample(bench, { qualityCase, recipe, generator, sampling });
  } finally {
    await generator.dispose();
  }
}

function isScored({ records }: QualityFolder, { name }: QualityCase, { sampler, steps }: Sampling): boolean {
  return records.some(
    (record) =>
      record.kind === 'sampling' && record.case === name && record.sampler === sampler && record.steps === steps,
  );
}

async function train({ context, folder, engine, phantom }: QualityBench, name: string, recipe: Recipe): Promise<void> {
  const progress = new Progress(context.output, {
    label: `Training ${name}`,
    total: recipe.rounds.localSteps,
    unit: 'steps',
  });
  const { weights, loss, seconds } = await trainCase({
    engine,
    recipe,
    images: phantom.train,
    signal: context.host.signal,
    onStep: (step) => progress.update(step),
  });
  progress.finish();
  await folder.writeFloats(name, weights);
  await folder.add({ kind: 'training', case: name, loss, seconds });
}

interface SamplingJob {
  readonly qualityCase: QualityCase;
  readonly recipe: Recipe;
  readonly generator: Generator;
  readonly sampling: Sampling;
}

/** As many images of each class and site as a random choice of held-out images has. */
async function sample({ context, options, folder, phantom, scorer }: QualityBench, job: SamplingJob): Promise<void> {
  const { qualityCase, generator, sampling } = job;
  const { sampler, steps } = sampling;
  const { classRows } = phantom.heldOut;
  const chosen = drawIndices(classRows.length, options.images, randomStream(options.seed, 'rows'));
  const progress = new Progress(context.output, {
    label: `${qualityCase.name}, ${sampler} ${steps}`,
    total: options.images,
    unit: 'images',
  });
  const startMs = performance.now();
  const images = await generator.generate({
    seeds: Array.from(chosen, (_, seed) => seed),
    classRows: chosen.map((index) => classRows[index] ?? 0),
    sampler,
    steps,
    guidance: 1,
    signal: context.host.signal,
    onProgress: ({ imagesDone }) => progress.update(imagesDone),
  });
  progress.finish();
  const seconds = (performance.now() - startMs) / 1000;
  const joined = concatenated(images);
  await folder.writeFloats(imagesName(qualityCase.name, sampling), joined);
  const distances = await scorer.score(joined);
  await folder.add({
    kind: 'sampling',
    case: qualityCase.name,
    ...sampling,
    images: images.length,
    ...distances,
    seconds,
  });
}

/** Under this name the folder holds the images of a sampling. */
export function imagesName(caseName: string, { sampler, steps }: Pick<Sampling, 'sampler' | 'steps'>): string {
  return `${caseName}-${sampler}-${steps}`;
}
