import { openEngine } from '@tributary/engines';
import { resolve } from 'node:path';
import type { Action } from '../command-context.js';
import { openModel } from '../models/open-model.js';
import { textTable } from '../output/table.js';
import { parseVerbOptions } from '../verb-options.js';
import { evaluateOptionsSchema } from './evaluate-request.js';
import {
  measureDistances,
  measureGeneratorUtility,
  type Distances,
  type GeneratorUtility,
} from './generator-scores.js';
import {
  assertLikelihoodRequest,
  heldOutLikelihood,
  type BitsPerDimension,
  type HeldOutLikelihood,
} from './held-out-likelihood.js';
import { nearestTraining, type NearestTraining } from './nearest-training.js';
import { readRealImages } from './real-images.js';
import { assertSynthesisRequest, makeSynthetic } from './synthetic-images.js';

type Scores = Distances & {
  readonly nearestTrain: NearestTraining | null;
  readonly utility: GeneratorUtility | null;
  /** Null where it was not asked for, or the folder has no image of the class. */
  readonly likelihood: HeldOutLikelihood | null;
};

/** `tributary evaluate`: what a model's images are worth beside a folder of real ones. */
export const evaluateVerb: Action = async (context, { options: typed }) => {
  const options = parseVerbOptions(evaluateOptionsSchema, typed);
  const model = await openModel(context, options.model);
  const { recipe, version } = model;
  assertSynthesisRequest(options, model);
  assertLikelihoodRequest(options, recipe);
  const directory = resolve(context.host.cwd, options.data);
  const real = await readRealImages(context, { recipe, directory, site: options.site });
  const trainings = options.utilitySeeds ?? recipe.evaluation.utilitySeeds;
  const scarceCount = trainings > 0 && real.split ? Math.ceil(options.count / 2) : 0;
  const synthetic = await makeSynthetic(context, { model, options, real }, scarceCount);
  const engine = await openEngine({ name: 'auto', threads: options.threads });
  try {
    const request = { engine, recipe, real, synthetic };
    const scores: Scores = {
      ...(await measureDistances(request, options.count)),
      nearestTrain: nearestTraining(recipe, real, synthetic),
      utility: await measureGeneratorUtility(request, trainings, context.host.signal),
      likelihood:
        options.likelihood === true ? await heldOutLikelihood(context, { engine, model, options, real }) : null,
    };
    const counts = {
      realImages: real.dataset.count,
      trainImages: real.split?.train.length ?? real.dataset.count,
      heldOutImages: real.split?.heldOut.length ?? 0,
      syntheticImages: synthetic.images.length,
    };
    const rows = [
      ...scoreRows(scores),
      ...Object.entries(counts).map(([name, count]) => [LABELS[name] ?? name, String(count)]),
    ];
    context.output.document({ version, scores, ...counts }, textTable([version, 'against the folder'], rows));
  } finally {
    await engine.dispose();
  }
};

const LABELS: Readonly<Record<string, string>> = {
  realImages: 'Real images',
  trainImages: '  of training patients',
  heldOutImages: '  of held-out patients',
  syntheticImages: 'Synthetic images',
};

function scoreRows({ fd, kid, realFd, diversity, nearestTrain, utility, likelihood }: Scores): string[][] {
  const number = (value: number | null): string => (value === null ? 'not measured' : value.toPrecision(4));
  return [
    ['Frechet distance', number(fd)],
    ['Kernel distance', number(kid)],
    ['Frechet distance, real to real', number(realFd)],
    ['Diversity over that of real images', number(diversity)],
    ['Nearest training image, median', number(nearestTrain?.synthetic.median ?? null)],
    ['  of held-out real images', number(nearestTrain?.heldOut.median ?? null)],
    ['Copying (0.5 none, 1 all)', number(nearestTrain?.copying ?? null)],
    ['Utility: real images only', number(utility?.realOnly.mean ?? null)],
    ['  real and synthetic', number(utility?.withSynthetic.mean ?? null)],
    ['  synthetic only', number(utility?.syntheticOnly?.mean ?? null)],
    ...(likelihood ? likelihoodRows(likelihood) : []),
  ];
}

function likelihoodRows({ byClass, ...all }: HeldOutLikelihood): string[][] {
  const text = ({ mean, standardError, images }: BitsPerDimension): string =>
    `${mean.toFixed(3)}${standardError === null ? '' : ` ± ${standardError.toFixed(3)}`} (${images} ${images === 1 ? 'image' : 'images'})`;
  return [
    ['Bits per dimension, held-out', text(all)],
    ...Object.entries(byClass).map(([name, ofClass]) => [`  ${name}`, text(ofClass)]),
  ];
}
