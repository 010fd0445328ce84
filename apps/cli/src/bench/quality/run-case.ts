import { createSampler, type Generator } from '@tributary/diffusion';
import { embeddingRows, type Recipe } from '@tributary/protocol/recipe';
import { randomStream } from '@tributary/random';
import type { Engine } from '@tributary/tensor';
import type { CommandContext } from '../../command-context.js';
import { concatenated } from '@tributary/layers/parameters/concatenated';
import { Progress } from '../../output/progress.js';
import { drawIndices } from './draw-indices.js';
import { SITE_COUNT, type PhantomImages } from './phantom-images.js';
import type { PlannedCase, QualityCase } from './quality-cases.js';
import { samplingsOf, trainingOf, type QualityFolder } from './quality-folder.js';
import type { QualityOptions } from './quality-options.js';
import { qualityRecipe } from './quality-recipe.js';
import type { ReferenceImages } from './reference-images.js';
import type { Sampling } from './samplings.js';
import type { ImageScorer } from './score-images.js';
import { trainCase } from './train-case.js';

/** What the cases of one bench share. */
export interface QualityBench {
  readonly context: CommandContext;
  readonly options: QualityOptions;
  readonly folder: QualityFolder;
  readonly engine: Engine;
  readonly phantom: PhantomImages;
  readonly scorer: ImageScorer;
  /** Whether another training or sampling may begin. */
  readonly hasTime: () => boolean;
}

/** The best and the worst that a row can be: real images of training patients, their mean, and noise. */
export async function scoreReferences(
  { folder, scorer, options }: QualityBench,
  references: ReferenceImages,
): Promise<void> {
  if (folder.records.some(({ kind }) => kind === 'reference')) return;
  for (const name of ['real', 'mean', 'noise'] as const) {
    await folder.add({ kind: 'reference', name, images: options.images, ...(await scorer.score(references[name])) });
  }
}

/** Trains a case and scores its samplings, each unless the folder has it. */
export async function runCase(bench: QualityBench, { qualityCase, samplings }: PlannedCase): Promise<void> {
  const { folder, options, engine, hasTime } = bench;
  const { name } = qualityCase;
  const scored = samplingsOf(folder.records, name);
  const missing = samplings.filter((sampling) => !scored.some((record) => record.name === sampling.name));
  if (missing.length === 0 || !hasTime()) return;
  const recipe = qualityRecipe(qualityCase, options);
  if (!trainingOf(folder.records, name)) await train(bench, name, recipe);
  const weights = await folder.readFloats(name);
  const classRows = embeddingRows(recipe, SITE_COUNT);
  const generator = await createSampler({ engine, recipe, classRows, weights });
  try {
    for (const sampling of missing) {
      if (hasTime()) await sample(bench, { qualityCase, generator, sampling });
    }
  } finally {
    await generator.dispose();
  }
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
  readonly generator: Generator;
  readonly sampling: Sampling;
}

/** As many images of each class and site as a random choice of held-out images has. */
async function sample({ context, options, folder, phantom, scorer }: QualityBench, job: SamplingJob): Promise<void> {
  const { qualityCase, generator, sampling } = job;
  const { sampler, steps, settings } = sampling;
  const { classRows } = phantom.heldOut;
  const chosen = drawIndices(classRows.length, options.images, randomStream(options.seed, 'rows'));
  const progress = new Progress(context.output, {
    label: `${qualityCase.name}, ${sampling.name}`,
    total: options.images,
    unit: 'images',
  });
  const startMs = performance.now();
  const images = await generator.generate({
    seeds: Array.from(chosen, (_, seed) => seed),
    classRows: chosen.map((index) => classRows[index] ?? 0),
    sampler,
    steps,
    settings,
    guidance: 1,
    signal: context.host.signal,
    onProgress: ({ imagesDone }) => progress.update(imagesDone),
  });
  progress.finish();
  const seconds = (performance.now() - startMs) / 1000;
  const joined = concatenated(images);
  await folder.writeFloats(imagesName(qualityCase.name, sampling), joined);
  const scores = await scorer.score(joined);
  await folder.add({
    kind: 'sampling',
    case: qualityCase.name,
    ...sampling,
    images: images.length,
    ...scores,
    seconds,
  });
}

/** Under this name the folder holds the images of a sampling. */
export function imagesName(caseName: string, { name }: Pick<Sampling, 'name'>): string {
  return `${caseName}-${name}`;
}
