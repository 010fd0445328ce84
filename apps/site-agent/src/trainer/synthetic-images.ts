import { setImmediate } from 'node:timers/promises';
import { createSampler, type Generator } from '@tributary/diffusion';
import { embeddingRows } from '@tributary/protocol';
import { imageValues } from '@tributary/protocol/image-shape';
import { randomStream } from '@tributary/random';
import type { LocalTrainingParts } from './local-training.js';

/** Images that are generated between two looks at stdin; a multiple of the sampler's batch. */
const GROUP = 32;
const SEED_BOUND = 2 ** 32;

/** Synthetic images with the labels that they were made for. */
export interface SyntheticImages {
  /** `[labels.length, height, width, channels]` */
  readonly images: Float32Array;
  /** Class indices. */
  readonly labels: Int32Array;
}

export interface SynthesisOptions {
  /** Names the seeds: the same purpose and label list give the same starting noise for any weights. */
  readonly purpose: string;
  readonly signal: AbortSignal;
  readonly onImages: (count: number) => void;
}

/** Makes images of this site's own classes from any weights of the run. */
export class Synthesis {
  private constructor(
    private readonly parts: LocalTrainingParts,
    private readonly generator: Generator,
  ) {}

  static async open(parts: LocalTrainingParts, weights: Float32Array): Promise<Synthesis> {
    const { engine, run } = parts;
    const classRows = embeddingRows(run.recipe, run.sites.length);
    return new Synthesis(parts, await createSampler({ engine, recipe: run.recipe, classRows, weights }));
  }

  use(weights: Float32Array): void {
    this.generator.setWeights(weights);
  }

  async make(labels: Int32Array, { purpose, signal, onImages }: SynthesisOptions): Promise<SyntheticImages> {
    const { run, images: site } = this.parts;
    const size = imageValues(run.recipe.image);
    const random = randomStream(run.recipe.seed, run.siteId, 'evaluation', purpose);
    const images = new Float32Array(labels.length * size);
    for (let begin = 0; begin < labels.length; begin += GROUP) {
      const classRows = labels.slice(begin, begin + GROUP).map((label) => site.row(label));
      const seeds = Array.from(classRows, () => random.integer(SEED_BOUND));
      const made = await this.generator.generate({ seeds, classRows, signal });
      made.forEach((image, position) => images.set(image, (begin + position) * size));
      onImages(made.length);
      await setImmediate(); // an engine's run blocks: let a cancel, or the agent's end, be noticed
      signal.throwIfAborted();
    }
    return { images, labels };
  }

  close(): Promise<void> {
    return this.generator.dispose();
  }
}
