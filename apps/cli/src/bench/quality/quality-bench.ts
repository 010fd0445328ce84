import { openEngine } from '@tributary/engines';
import { resolve } from 'node:path';
import type { Action } from '../../command-context.js';
import { parseVerbOptions } from '../../verb-options.js';
import { phantomImages } from './phantom-images.js';
import { openQualityFolder, type QualityFolder } from './quality-folder.js';
import { qualityOptionsSchema, type QualityOptions } from './quality-options.js';
import { writePictures } from './quality-pictures.js';
import { qualityPlan } from './quality-plan.js';
import { qualityRecipe } from './quality-recipe.js';
import { qualityTable } from './quality-table.js';
import { referenceImages } from './reference-images.js';
import { runCase, scoreReferences, type QualityBench } from './run-case.js';
import { createScorer } from './score-images.js';
import { inRunOrder } from './sweep/sweep-plan.js';
import { sweepSheet } from './sweep/sweep-sheet.js';
import { sweepTable } from './sweep/sweep-table.js';

/** `tributary bench quality`: every process trained alike on the phantom, scored with every sampler that fits. */
export const benchQuality: Action = async (context, input) => {
  const startMs = performance.now();
  const options = parseVerbOptions(qualityOptionsSchema, input.options);
  const recipe = qualityRecipe({ name: 'data', process: { kind: 'edm' }, objective: { prediction: 'edm' } }, options);
  const plan = qualityPlan(options);
  const folder = await openFolder(resolve(context.host.cwd, options.out), options);
  const phantom = await phantomImages(folder.pathOf('phantom'), recipe, options.patients);
  const { seed, imageSize: sizePx, images: count } = options;
  const references = referenceImages(phantom, { sizePx, count, seed });
  const engine = await openEngine({ name: 'onnx', threads: options.threads });
  const scorer = await createScorer(engine, recipe, references);
  const hasTime = (): boolean => performance.now() - startMs < options.minutes * 60_000;
  const bench: QualityBench = { context, options, folder, engine, phantom, scorer, hasTime };
  try {
    await scoreReferences(bench, references);
    for (const planned of options.sweep ? inRunOrder(plan) : plan) await runCase(bench, planned);
  } finally {
    await scorer.dispose();
    await engine.dispose();
  }
  if (options.sweep) {
    await sweepSheet(folder, { plan, references, sizePx });
    context.output.document(folder.records, sweepTable(folder.records, plan));
  } else {
    await writePictures(folder, { recipe, plan, heldOut: phantom.heldOut });
    context.output.document(folder.records, qualityTable(folder.records, plan));
  }
};

function openFolder(directory: string, options: QualityOptions): Promise<QualityFolder> {
  const { trainSteps, learningRate, channels, normGroups, imageSize, patients, images, seed } = options;
  return openQualityFolder(directory, {
    trainSteps,
    learningRate,
    channels,
    normGroups,
    imageSize,
    patients,
    images,
    seed,
  });
}
