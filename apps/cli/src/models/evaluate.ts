import { accumulateMoments, frechetDistance, kernelDistance, type FeatureMoments } from '@tributary/evaluation';
import { createExtractor, type Extractor } from '@tributary/evaluation/extractor';
import { readImageFolder, type SiteDataset } from '@tributary/imaging';
import type { Recipe } from '@tributary/protocol/recipe';
import { openEngine } from '@tributary/tensor';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Action, CommandContext } from '../command-context.js';
import { Progress } from '../output/progress.js';
import { textTable } from '../output/table.js';
import { parseVerbOptions, wholeNumber } from '../verb-options.js';
import { drawSamples } from './generate.js';
import { planSamples } from './generate-request.js';
import { concatenated } from '@tributary/tensor/parameters/concatenated';
import { readModelFolder } from './model-folder.js';

const MOST_IMAGES = 100_000;
const FEWEST_IMAGES = 8;

const evaluateOptionsSchema = z.object({
  model: z.string().min(1),
  data: z.string().min(1),
  count: wholeNumber(FEWEST_IMAGES, MOST_IMAGES),
  threads: wholeNumber(1, 256),
});

/** `tributary evaluate`: distances of a pulled model's images to a folder of real ones. */
export const evaluateVerb: Action = async (context, { options: typed }) => {
  const options = parseVerbOptions(evaluateOptionsSchema, typed);
  const model = await readModelFolder(resolve(context.host.cwd, options.model));
  const { recipe, lineage } = model;
  const real = await readReal(context, recipe, resolve(context.host.cwd, options.data));
  const plans = planSamples({ ...options, out: '' }, model);
  const drawn = await drawSamples(context, model, { options, plans });
  const scores = await distances(recipe, options.threads, {
    real: real.images,
    realCount: real.count,
    synthetic: concatenated(drawn),
    syntheticCount: drawn.length,
  });
  const rows = [
    ['Frechet distance', scores.fd.toPrecision(4)],
    ['Kernel distance', scores.kid.toPrecision(4)],
    ['Real images', String(real.count)],
    ['Synthetic images', String(drawn.length)],
  ];
  const document = { version: lineage.version, scores, realImages: real.count, syntheticImages: drawn.length };
  context.output.document(document, textTable([lineage.version, 'against the folder'], rows));
};

async function readReal({ output, host }: CommandContext, recipe: Recipe, directory: string): Promise<SiteDataset> {
  const progress = new Progress(output, { label: 'Reading', total: 0, unit: 'files' });
  const dataset = await readImageFolder({
    ...readingOf(recipe),
    directory,
    signal: host.signal,
    onProgress: ({ done, total }) => progress.update(done, total),
  });
  progress.finish();
  return dataset;
}

interface TwoSets {
  readonly real: Float32Array;
  readonly realCount: number;
  readonly synthetic: Float32Array;
  readonly syntheticCount: number;
}

async function distances(
  { image, evaluation }: Recipe,
  threads: number,
  { real, realCount, synthetic, syntheticCount }: TwoSets,
): Promise<{ readonly fd: number; readonly kid: number }> {
  const engine = await openEngine({ name: 'auto', threads });
  const shape = { imageSize: image.sizePx, channels: image.channels, seed: evaluation.extractorSeed };
  const extractor = await createExtractor(engine, shape);
  try {
    const a = await momentsOf(extractor, real, realCount);
    const b = await momentsOf(extractor, synthetic, syntheticCount);
    return { fd: frechetDistance(a, b), kid: kernelDistance(a, b) };
  } finally {
    await extractor.dispose();
    await engine.dispose();
  }
}

function readingOf({ image, classes, data }: Recipe) {
  const { intensity, onBadFile } = data;
  return { imageSizePx: image.sizePx, channels: image.channels, classes, intensity, onBadFile } as const;
}

async function momentsOf(extractor: Extractor, images: Float32Array, count: number): Promise<FeatureMoments> {
  const features = await extractor.features(images, count);
  return accumulateMoments(features, { dimensions: extractor.dimensions, order: 3, extractor: extractor.id });
}
