import { join } from 'node:path';
import {
  accumulateMoments,
  encodeSiteEvaluation,
  type FeatureMoments,
  type SyntheticFeatures,
} from '@tributary/evaluation';
import { createExtractor, type Extractor } from '@tributary/evaluation/extractor';
import type { TaskFile } from '@tributary/protocol';
import { readGlobalWeights } from './global-weights.js';
import { proportionalLabels } from './label-quota.js';
import type { LocalTrainingParts } from './local-training.js';
import { Synthesis, type SyntheticImages } from './synthetic-images.js';
import { writeReport, writeResult } from './task-result.js';

type EvaluateTask = Extract<TaskFile, { kind: 'evaluate' }>;

export interface EvaluateOptions {
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** One site's part of an evaluation: sums over its real images, features of synthetic ones. No image leaves the site. */
export class LocalEvaluation {
  constructor(private readonly parts: LocalTrainingParts) {}

  /** From the weights of two model versions to `result.safetensors` and, last, `report.json`. */
  async evaluate(task: EvaluateTask, { folder, signal, onProgress }: EvaluateOptions): Promise<void> {
    const { engine, run, trainer, images } = this.parts;
    const { recipe } = run;
    const startedMs = performance.now();
    const [before, after] = await Promise.all(
      [task.beforeFile, task.afterFile].map((file) => readGlobalWeights(join(folder, file), trainer.manifest)),
    );
    if (before === undefined || after === undefined) throw new RangeError('an evaluation compares two versions');
    const { samplesPerSite, extractorSeed } = recipe.evaluation;
    const { sizePx: imageSize, channels } = recipe.image;
    const extractor = await createExtractor(engine, { imageSize, channels, seed: extractorSeed });
    const synthesis = await Synthesis.open(this.parts, before);
    const labels = proportionalLabels(images.labels(images.split.heldOut), samplesPerSite);
    let done = 0;
    const options = {
      purpose: 'samples',
      signal,
      onImages: (count: number): void => onProgress((done += count), 2 * samplesPerSite),
    };
    try {
      const untrained = await synthesis.make(labels, options);
      synthesis.use(after);
      const trained = await synthesis.make(labels, options);
      const bytes = encodeSiteEvaluation({
        heldOut: await this.realMoments(extractor, images.split.heldOut, 3),
        train: await this.realMoments(extractor, images.split.train, 2),
        before: await featuresOf(extractor, untrained),
        after: await featuresOf(extractor, trained),
        utility: null,
      });
      const { name, device, threads } = engine;
      await writeReport(folder, await writeResult(folder, bytes), {
        kind: 'evaluate',
        heldOutImages: images.split.heldOut.length,
        syntheticImages: labels.length,
        evaluateSeconds: (performance.now() - startedMs) / 1000,
        engine: { name, device, threads },
      });
    } finally {
      await Promise.all([extractor.dispose(), synthesis.close()]);
    }
  }

  private async realMoments(extractor: Extractor, indices: Int32Array, order: 2 | 3): Promise<FeatureMoments> {
    const { images } = this.parts;
    const features = await extractor.features(images.pixels(indices), indices.length);
    const groups = images.labels(indices);
    return accumulateMoments(features, { dimensions: extractor.dimensions, order, groups, extractor: extractor.id });
  }
}

async function featuresOf(extractor: Extractor, { images, labels }: SyntheticImages): Promise<SyntheticFeatures> {
  return { features: await extractor.features(images, labels.length), labels };
}
