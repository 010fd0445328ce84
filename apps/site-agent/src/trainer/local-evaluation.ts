import { join } from 'node:path';
import {
  accumulateMoments,
  encodeSiteEvaluation,
  type FeatureMoments,
  type SyntheticFeatures,
} from '@tributary/evaluation';
import { createExtractor, type Extractor } from '@tributary/evaluation/extractor';
import { volumeFeatures } from '@tributary/evaluation/volume-features';
import { OWN_MODEL_FILE, TributaryError, type Recipe, type TaskFile } from '@tributary/protocol';
import { writeParameterFile } from '@tributary/safetensors';
import { EvaluationProgress } from './evaluation-progress.js';
import { readGlobalWeights } from './global-weights.js';
import { proportionalLabels } from './label-quota.js';
import type { LocalTrainingParts } from './local-training.js';
import { MINIMUM_GROUP_IMAGES, sharedGroups } from './shared-groups.js';
import { measureSiteUtility, scarceQuota } from './site-utility.js';
import { SiteExchange } from './site-exchange.js';
import { SiteHistory } from './site-history.js';
import { Synthesis, type SyntheticImages } from './synthetic-images.js';
import { writeReport, writeResult } from './task-result.js';

type EvaluateTask = Extract<TaskFile, { kind: 'evaluate' }>;

export interface EvaluateOptions {
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** What one evaluation generates: the same labels from both versions, and more of the scarce classes from the trained one. */
interface Generated {
  readonly before: SyntheticImages;
  readonly after: SyntheticImages;
  readonly scarce: SyntheticImages;
}

/** One site's part of an evaluation: sums over its real images, features of synthetic ones. No image leaves the site. */
export class LocalEvaluation {
  constructor(private readonly parts: LocalTrainingParts) {}

  /** From the weights of two model versions to `result.safetensors` and, last, `report.json`. */
  async evaluate(task: EvaluateTask, { folder, signal, onProgress }: EvaluateOptions): Promise<void> {
    assertWithoutPatients(this.parts.run.recipe);
    const { engine, run, images } = this.parts;
    const { samplesPerSite, utilitySeeds } = run.recipe.evaluation;
    const startedMs = performance.now();
    const scarceLabels = scarceQuota(run.recipe, Math.ceil(samplesPerSite / 2));
    const progress = new EvaluationProgress(
      {
        images: 2 * samplesPerSite + scarceLabels.length,
        trainings: scarceLabels.length === 0 ? 0 : 2 * utilitySeeds,
        imagesPerTraining: samplesPerSite / 4,
      },
      onProgress,
    );
    const generated = await this.generate(task, { folder, signal, scarceLabels, onImages: progress.addImages });
    const utility = await measureSiteUtility(this.parts, [generated.after, generated.scarce], {
      signal,
      onProgress: ({ done }) => progress.setTrainings(done),
    });
    const bytes = encodeSiteEvaluation({ ...(await this.features(generated)), utility });
    const { name, device, threads } = engine;
    await writeReport(folder, await writeResult(folder, bytes), {
      kind: 'evaluate',
      heldOutImages: images.split.heldOut.length,
      syntheticImages: generated.after.labels.length,
      evaluateSeconds: (performance.now() - startedMs) / 1000,
      engine: { name, device, threads },
    });
  }

  private async generate(
    task: EvaluateTask,
    options: Pick<EvaluateOptions, 'folder' | 'signal'> & {
      readonly scarceLabels: Int32Array;
      readonly onImages: (count: number) => void;
    },
  ): Promise<Generated> {
    const { folder, signal, scarceLabels, onImages } = options;
    const { run, trainer, images } = this.parts;
    const { samplesPerSite } = run.recipe.evaluation;
    const labels = proportionalLabels(images.labels(images.split.heldOut), samplesPerSite);
    const synthesis = await Synthesis.open(
      this.parts,
      await readGlobalWeights(join(folder, task.beforeFile), trainer.manifest),
    );
    try {
      const before = await synthesis.make(labels, { purpose: 'samples', signal, onImages });
      synthesis.use(await this.ownModel(task, folder));
      const after = await synthesis.make(labels, { purpose: 'samples', signal, onImages });
      const scarce = await synthesis.make(scarceLabels, { purpose: 'scarce', signal, onImages });
      return { before, after, scarce };
    } finally {
      await synthesis.close();
    }
  }

  /** The trained version, with what this site keeps to itself; such a model stays in the run's folder. */
  private async ownModel({ countedRound, afterFile }: EvaluateTask, folder: string): Promise<Float32Array> {
    const { run, runDirectory, trainer } = this.parts;
    const { ownAverage } = await new SiteHistory(runDirectory, trainer).after(countedRound);
    const after = await readGlobalWeights(join(folder, afterFile), trainer.manifest);
    if (ownAverage === undefined) return after;
    const flat = new SiteExchange(run, trainer.manifest).adopt(after, ownAverage);
    await writeParameterFile(join(runDirectory, OWN_MODEL_FILE), { manifest: [...trainer.manifest], flat });
    return flat;
  }

  private async features({ before, after }: Generated) {
    const { engine, run, images } = this.parts;
    const { image, evaluation } = run.recipe;
    const extractor = await createExtractor(engine, {
      imageSize: image.sizePx,
      channels: image.channels,
      seed: evaluation.extractorSeed,
    });
    try {
      return {
        heldOut: await this.realMoments(extractor, images.split.heldOut, 3),
        train: await this.realMoments(extractor, images.split.train, 2),
        before: await this.featuresOf(extractor, before),
        after: await this.featuresOf(extractor, after),
      };
    } finally {
      await extractor.dispose();
    }
  }

  /** @throws TributaryError DATA_TOO_FEW_IMAGES when no sum may leave the site. */
  private async realMoments(extractor: Extractor, indices: Int32Array, order: 2 | 3): Promise<FeatureMoments> {
    const { images } = this.parts;
    const { positions, groups } = sharedGroups(images.labels(indices));
    if (positions.length === 0) {
      throw new TributaryError('DATA_TOO_FEW_IMAGES', {
        detail: `an evaluation sums over ${MINIMUM_GROUP_IMAGES} or more`,
      });
    }
    const shared = positions.map((position) => indices[position] ?? 0);
    const features = await this.imageFeatures(extractor, images.pixels(shared), shared.length);
    return accumulateMoments(features, { dimensions: extractor.dimensions, order, groups, extractor: extractor.id });
  }

  private async featuresOf(extractor: Extractor, { images, labels }: SyntheticImages): Promise<SyntheticFeatures> {
    return { features: await this.imageFeatures(extractor, images, labels.length), labels };
  }

  private imageFeatures(extractor: Extractor, images: Float32Array, count: number): Promise<Float32Array> {
    return volumeFeatures(extractor, images, { count, depth: this.parts.run.recipe.image.depthPx ?? 1 });
  }
}

/** Features leave the site only of images that follow no patient's: with an image condition, each would follow one. */
function assertWithoutPatients({ conditioning }: Recipe): void {
  if (conditioning.image === undefined) return;
  throw new TributaryError('RECIPE_INCOMPATIBLE', {
    detail: 'a model with an image condition is not scored at sites: its images follow those of patients',
  });
}
