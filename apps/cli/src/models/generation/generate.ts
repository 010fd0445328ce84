import { createSampler, type SamplingProgress } from '@tributary/diffusion';
import type { IntensityWindow } from '@tributary/imaging';
import { embeddingRows, type Recipe } from '@tributary/protocol/recipe';
import { openEngine } from '@tributary/engines';
import { join, resolve } from 'node:path';
import type { Action, CommandContext } from '../../command-context.js';
import { Progress } from '../../output/progress.js';
import { parseVerbOptions } from '../../verb-options.js';
import {
  generateOptionsSchema,
  planSamples,
  samplerOf,
  type GenerateOptions,
  type SamplePlan,
} from './generate-request.js';
import { readInputs, type GenerateInputs } from './generate-inputs.js';
import { assertWritableOutput } from '../folder/new-folder.js';
import type { Model } from '../folder/model-folder.js';
import { openModel } from '../open-model.js';
import { writeSamples } from './write-samples.js';

const BATCH = 16;

/** `tributary generate`: PNGs, a grid, arrays of bytes and of stored values, and what each image is. */
export const generateVerb: Action = async (context, { options: typed }) => {
  const options = parseVerbOptions(generateOptionsSchema, typed);
  const model = await openModel(context, options.model);
  const plans = planSamples(options, model);
  const { recipe } = model;
  const inputs = await readInputs({
    options,
    recipe,
    cwd: context.host.cwd,
    count: plans.length,
    note: (line) => context.output.note(line),
  });
  const directory = resolve(context.host.cwd, options.out);
  await assertWritableOutput(directory);
  const startedMs = performance.now();
  const images = await drawSamples(context, model, { options, plans, inputs });
  const imagesPerSecond = images.length / ((performance.now() - startedMs) / 1000);
  const window = windowOf(options, recipe);
  const samples = await writeSamples(directory, { recipe, plans, images, window });
  const grid = join(directory, 'grid.png');
  const document = { version: model.version, out: directory, grid, window, imagesPerSecond, samples };
  context.output.document(
    document,
    `${samples.length} image${samples.length === 1 ? '' : 's'} in ${directory}, ${imagesPerSecond.toPrecision(3)} images/s`,
  );
};

/** What black and white stand for: what was asked for, or the window that the recipe fixes. */
function windowOf({ window }: GenerateOptions, { data: { intensity } }: Recipe): IntensityWindow | undefined {
  if (window !== undefined) return { low: window[0], high: window[1] };
  return intensity.method === 'window' ? { low: intensity.low, high: intensity.high } : undefined;
}

interface DrawRequest {
  readonly options: Pick<GenerateOptions, 'sampler' | 'steps' | 'settings' | 'guidance' | 'threads'>;
  readonly plans: readonly SamplePlan[];
  readonly inputs?: GenerateInputs;
}

/** One image from -1 to 1 for each plan. */
export async function drawSamples(
  context: CommandContext,
  { recipe, siteIds, weights }: Model,
  { options, plans, inputs }: DrawRequest,
): Promise<Float32Array[]> {
  const sampler = samplerOf(options.sampler);
  const engine = await openEngine({ name: 'auto', threads: options.threads });
  const classRows = embeddingRows(recipe, siteIds.length);
  const generator = await createSampler({ engine, recipe, classRows, weights: weights.values });
  const progress = new Progress(context.output, { label: 'Generating', total: plans.length, unit: 'images' });
  try {
    const images = await generator.generate({
      seeds: plans.map(({ seed }) => seed),
      classRows: Int32Array.from(plans, ({ classRow }) => classRow),
      sampler,
      steps: options.steps,
      settings: options.settings,
      guidance: options.guidance,
      ...inputs,
      batchSize: Math.min(BATCH, plans.length),
      onProgress: (reached) => progress.updateWithin(reached.imagesDone, withinBatch(reached)),
      signal: context.host.signal,
    });
    progress.finish();
    return images;
  } finally {
    await generator.dispose();
    await engine.dispose();
  }
}

/** An image that is left as it is takes no moves. */
function withinBatch(reached: SamplingProgress): { share: number; detail: string } {
  const { imagesDone, imagesTotal, movesDone, movesTotal, step, steps } = reached;
  const detail = step === 0 ? '' : `step ${step}${steps === null ? '' : ` of ${steps}`}`;
  return { share: movesTotal > 0 ? movesDone / movesTotal : imagesDone / imagesTotal, detail };
}
