import { createSampler } from '@tributary/diffusion';
import { encodePng, imageGrid } from '@tributary/imaging';
import { embeddingRows, type Recipe } from '@tributary/protocol/recipe';
import { openEngine } from '@tributary/tensor';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Action, CommandContext } from '../command-context.js';
import { Progress } from '../output/progress.js';
import { parseVerbOptions } from '../verb-options.js';
import { writeWholeFile } from '../whole-file.js';
import {
  generateOptionsSchema,
  planSamples,
  samplerOf,
  type GenerateOptions,
  type SamplePlan,
} from './generate-request.js';
import { joinImages } from './joined-images.js';
import { readModelFolder, type ModelFolder } from './model-folder.js';
import { npzOfBytes } from './npz-file.js';

const GRID_COLUMNS = 8;
const BATCH = 16;

/** `tributary generate`: PNGs, a grid, an npz of bytes and what each image is. */
export const generateVerb: Action = async (context, { options: typed }) => {
  const options = parseVerbOptions(generateOptionsSchema, typed);
  const model = await readModelFolder(resolve(context.host.cwd, options.model));
  const plans = planSamples(options, model);
  const images = await drawSamples(context, model, { options, plans });
  const directory = resolve(context.host.cwd, options.out);
  const samples = await writeSamples(directory, model.recipe, { plans, images });
  const document = { version: model.lineage.version, out: directory, grid: join(directory, 'grid.png'), samples };
  context.output.document(document, `${samples.length} images in ${directory}`);
};

interface DrawRequest {
  readonly options: Pick<GenerateOptions, 'sampler' | 'steps' | 'guidance' | 'threads'>;
  readonly plans: readonly SamplePlan[];
}

/** One image from -1 to 1 for each plan. */
export async function drawSamples(
  context: CommandContext,
  { recipe, lineage, weights }: ModelFolder,
  { options, plans }: DrawRequest,
): Promise<Float32Array[]> {
  const sampler = samplerOf(options.sampler);
  const progress = new Progress(context.output, { label: 'Generating', total: plans.length, unit: 'images' });
  const engine = await openEngine({ name: 'auto', threads: options.threads });
  const classRows = embeddingRows(recipe, lineage.sites.length);
  const generator = await createSampler({ engine, recipe, classRows, weights: weights.values });
  try {
    const images = await generator.generate({
      seeds: plans.map(({ seed }) => seed),
      classRows: Int32Array.from(plans, ({ classRow }) => classRow),
      sampler,
      steps: options.steps,
      guidance: options.guidance,
      batchSize: Math.min(BATCH, plans.length),
      onProgress: ({ imagesDone }) => progress.update(imagesDone),
      signal: context.host.signal,
    });
    progress.finish();
    return images;
  } finally {
    await generator.dispose();
    await engine.dispose();
  }
}

interface Drawn {
  readonly plans: readonly SamplePlan[];
  readonly images: readonly Float32Array[];
}

interface WrittenSample {
  readonly file: string;
  readonly seed: number;
  readonly class: string;
  readonly site: string | null;
}

async function writeSamples(directory: string, recipe: Recipe, { plans, images }: Drawn): Promise<WrittenSample[]> {
  const { sizePx, channels } = recipe.image;
  await mkdir(directory, { recursive: true });
  const samples: WrittenSample[] = [];
  for (const [index, { seed, className, siteId }] of plans.entries()) {
    const file = `${String(index).padStart(5, '0')}-seed-${seed}.png`;
    const picture = imageGrid({ images: images[index] ?? new Float32Array(0), sizePx, channels, columns: 1, gapPx: 0 });
    await writeWholeFile(join(directory, file), encodePng(picture));
    samples.push({ file, seed, class: className, site: siteId });
  }
  const all = imageGrid({
    images: joinImages(images),
    sizePx,
    channels,
    columns: GRID_COLUMNS,
    zoom: sizePx < 64 ? 2 : 1,
  });
  await writeWholeFile(join(directory, 'grid.png'), encodePng(all));
  const bytes = Uint8Array.from(joinImages(images), (value) =>
    Math.round(127.5 * (Math.min(1, Math.max(-1, value)) + 1)),
  );
  await writeWholeFile(join(directory, 'samples.npz'), npzOfBytes(bytes, [images.length, sizePx, sizePx, channels]));
  await writeWholeFile(join(directory, 'samples.json'), `${JSON.stringify(samples, null, 2)}\n`);
  return samples;
}
