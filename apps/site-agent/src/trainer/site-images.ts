import { readImageFolder, splitByPatient, type PatientSplit, type SiteDataset } from '@tributary/imaging';
import {
  assertTrainableAtSites,
  embeddingRow,
  TributaryError,
  type RunFile,
  type TrainerMessage,
} from '@tributary/protocol';
import { imageValues } from '@tributary/protocol/image-shape';
import { randomStream } from '@tributary/random';

type DataFacts = Extract<TrainerMessage, { type: 'ready' }>['data'];

/** A site's images in memory, split by patient; read once, used in every round of a run. */
export class SiteImages {
  private constructor(
    private readonly run: RunFile,
    private readonly dataset: SiteDataset,
    readonly split: PatientSplit,
  ) {}

  /** @throws TributaryError RECIPE_INCOMPATIBLE, DATA_EMPTY, DATA_BAD_FILES, DATA_LABELS_INVALID, DATA_UNKNOWN_CLASS, DATA_ALL_IN_ONE_SPLIT. */
  static async read(run: RunFile): Promise<SiteImages> {
    assertTrainableAtSites(run.recipe);
    const { image, classes, data, seed } = run.recipe;
    const dataset = await readImageFolder({
      directory: run.imagesDirectory,
      imageSizePx: image.sizePx,
      ...(image.depthPx !== undefined && { depthPx: image.depthPx }),
      channels: image.channels,
      intensity: data.intensity,
      onBadFile: data.onBadFile,
      classes,
    });
    const random = randomStream(seed, run.siteId, 'split');
    return new SiteImages(run, dataset, splitByPatient(dataset, { heldOutFraction: data.heldOutFraction, random }));
  }

  /** Counts for the agent: nothing that names a patient or a file. */
  facts(): DataFacts {
    const { dataset, split, run } = this;
    const classes = Object.fromEntries(run.recipe.classes.map((name) => [name, 0]));
    for (const index of dataset.classIndex) {
      const name = run.recipe.classes[index];
      if (name !== undefined) classes[name] = (classes[name] ?? 0) + 1;
    }
    return {
      images: dataset.count,
      trainImages: split.train.length,
      heldOutImages: split.heldOut.length,
      patients: dataset.patients,
      classes,
      problems: dataset.problems.map(({ kind, count }) => ({ kind, count })),
    };
  }

  /** Position of this site among the sites of the run. */
  get siteIndex(): number {
    const index = this.run.sites.indexOf(this.run.siteId);
    if (index < 0) throw new TributaryError('TRAINER_TASK_INVALID', { detail: 'the site is not one of the run' });
    return index;
  }

  /** Images by index. @returns `[indices.length, height, width, channels]`, of volumes with the depth before the height, in [-1, 1]. */
  pixels(indices: Int32Array): Float32Array {
    const size = imageValues(this.run.recipe.image);
    const pixels = new Float32Array(indices.length * size);
    indices.forEach((image, position) =>
      pixels.set(this.dataset.images.subarray(image * size, (image + 1) * size), position * size),
    );
    return pixels;
  }

  /** Class index of each image. */
  labels(indices: Int32Array): Int32Array {
    return indices.map((image) => this.dataset.classIndex[image] ?? 0);
  }

  /** Row of the class embedding of each image. */
  rows(indices: Int32Array): Int32Array {
    return this.labels(indices).map((label) => this.row(label));
  }

  /** Row of the class embedding for a class at this site. */
  row(label: number): number {
    return embeddingRow(this.run.recipe, this.siteIndex, label);
  }
}
