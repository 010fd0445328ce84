import { accumulateMoments, frechetDistance, kernelDistance, type FeatureMoments } from '@tributary/evaluation';
import { createExtractor, type Extractor } from '@tributary/evaluation/extractor';
import { readImageFolder } from '@tributary/imaging';
import type { Recipe } from '@tributary/protocol/recipe';
import { openEngine } from '@tributary/tensor';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Action } from '../command-context.js';
import { Progress } from '../output/progress.js';
import { textTable } from '../output/table.js';
import { parseVerbOptions, wholeNumber } from '../verb-options.js';
import { drawSamples } from './generate.js';
import { planSamples } from './generate-request.js';
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
  const { recipe } = model;
  const reading = new Progress(context.output, { label: 'Reading', total: 0, unit: 'files' });
  const real = await readImageFolder({
    ...readingOf(recipe),
    directory: resolve(context.host.cwd, options.data),
    signal: context.host.signal,
    onProgress: ({ done, total }) => reading.update(done, total),
  });
  reading.finish();
  const plans = planSamples({ ...options, out: '' }, model);
  const drawn = await drawSamples(context, model, { options, plans });
  const engine = await openEngine({ name: 'auto', threads: options.threads });
  const { sizePx: imageSize, channels } = recipe.image;
  const extractor = await createExtractor(engine, { imageSize, channels, seed: recipe.evaluation.extractorSeed });
  const realMoments = await momentsOf(extractor, real.images, real.count);
  const syntheticMoments = await momentsOf(extractor, joined(drawn), drawn.length);
  await extractor.dispose();
  await engine.dispose();
  const scores = { fd: frechetDistance(realMoments, syntheticMoments), kid: kernelOf(realMoments, syntheticMoments) };
  const rows = [
    ['Frechet distance', scores.fd.toPrecision(4)],
    ['Kernel distance', scores.kid.toPrecision(4)],
    ['Real images', String(real.count)],
    ['Synthetic images', String(drawn.length)],
  ];
  const document = { version: model.lineage.version, scores, realImages: real.count, syntheticImages: drawn.length };
  context.output.document(document, textTable([model.lineage.version, 'against the folder'], rows));
};

function readingOf({ image, classes, data }: Recipe) {
  const { intensity, onBadFile } = data;
  return { imageSizePx: image.sizePx, channels: image.channels, classes, intensity, onBadFile } as const;
}

async function momentsOf(extractor: Extractor, images: Float32Array, count: number): Promise<FeatureMoments> {
  const features = await extractor.features(images, count);
  return accumulateMoments(features, { dimensions: extractor.dimensions, order: 3, extractor: extractor.id });
}

function kernelOf(real: FeatureMoments, synthetic: FeatureMoments): number {
  return kernelDistance(real, synthetic);
}

function joined(images: readonly Float32Array[]): Float32Array {
  const size = images[0]?.length ?? 0;
  const values = new Float32Array(images.length * size);
  images.forEach((image, index) => values.set(image, index * size));
  return values;
}
