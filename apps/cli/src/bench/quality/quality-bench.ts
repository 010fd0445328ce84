import { openEngine } from '@tributary/engines';
import { resolve } from 'node:path';
import type { Action } from '../../command-context.js';
import { parseVerbOptions } from '../../verb-options.js';
import { phantomImages } from './phantom-images.js';
import { openQualityFolder } from './quality-folder.js';
import { chosenCases, chosenSamplers, qualityOptionsSchema } from './quality-options.js';
import { writePictures } from './quality-pictures.js';
import { qualityRecipe } from './quality-recipe.js';
import { qualityTable } from './quality-table.js';
import { runCase, scoreReferences, type QualityBench } from './run-case.js';
import { createScorer } from './score-images.js';

/** `tributary bench quality`: every process trained alike on the phantom, scored with every sampler that fits. */
export const benchQuality: Action = async (context, input) => {
  const options = parseVerbOptions(qualityOptionsSchema, input.options);
  const cases = chosenCases(options.cases);
  const samplers = chosenSamplers(options.samplers);
  const { trainSteps, learningRate, channels, normGroups, imageSize, patients, images, seed } = options;
  const settings = { trainSteps, learningRate, channels, normGroups, imageSize, patients, images, seed };
  const folder = await openQualityFolder(resolve(context.host.cwd, options.out), settings);
  const recipe = qualityRecipe({ name: 'data', process: { kind: 'edm' }, objective: { prediction: 'edm' } }, options);
  const phantom = await phantomImages(folder.pathOf('phantom'), recipe, patients);
  const engine = await openEngine({ name: 'onnx', threads: options.threads });
  const scorer = await createScorer(engine, recipe, phantom.heldOut);
  const bench: QualityBench = { context, options, samplers, folder, engine, phantom, scorer };
  try {
    await scoreReferences(bench, recipe);
    for (const qualityCase of cases) await runCase(bench, qualityCase);
  } finally {
    await scorer.dispose();
    await engine.dispose();
  }
  await writePictures(folder, { recipe, cases, heldOut: phantom.heldOut });
  context.output.document(folder.records, qualityTable(folder.records));
};
