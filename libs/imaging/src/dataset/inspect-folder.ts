import { TributaryError } from '@tributary/protocol/errors';
import { knownModality } from '../dicom/modalities.js';
import { folderImages, problemOf } from '../folder/folder-images.js';
import type { ImageFile } from '../folder/image-file.js';
import { ProblemCount, type ProblemKind } from '../folder/image-problem.js';
import { Labels, readLabelRows, sliceKey } from '../folder/labels.js';
import { isFolder } from '../folder/list-files.js';
import { imageGrid } from '../picture/image-grid.js';
import { encodePng } from '../picture/png.js';
import { assembleDataset } from './assemble-dataset.js';
import { prepareImage, type TrainingSample } from './training-sample.js';

export interface InspectFolderOptions {
  readonly directory: string;
  /** Side of an image on the contact sheet; 64 unless told. */
  readonly imageSizePx?: number;
  /** Most images on the contact sheet; 64 unless told. */
  readonly sheetImages?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** What a folder holds, in counts: no patient, file or date. */
export interface FolderReport {
  readonly images: number;
  readonly patients: number;
  readonly imagesPerPatient: { readonly least: number; readonly most: number };
  readonly formats: Readonly<Partial<Record<ImageFile['format'], number>>>;
  readonly modalities: Readonly<Record<string, number>>;
  /** Images by the class that `labels.csv` gives. */
  readonly classes: Readonly<Record<string, number>>;
  /** Images by `width x height`. */
  readonly sizes: Readonly<Record<string, number>>;
  readonly problems: readonly { readonly kind: ProblemKind; readonly count: number }[];
  /** Images of different patients in turn, each series from its darkest to its 99.5th percentile; empty without images. */
  readonly contactSheetPng: Uint8Array;
}

/**
 * Looks at a folder the way training would read it, without a recipe. Unlabelled images count as images here.
 *
 * @throws TributaryError `DATA_EMPTY` when the folder is not there, `DATA_LABELS_INVALID`.
 */
export async function inspectFolder(options: InspectFolderOptions): Promise<FolderReport> {
  const { directory, imageSizePx = 64, sheetImages = 64 } = options;
  if (!(await isFolder(directory))) throw new TributaryError('DATA_EMPTY', { detail: 'the folder is not there' });
  const labels = new Labels((await readLabelRows(directory)) ?? []);
  const tally = new FolderTally();
  const sheet = new ContactSheet(imageSizePx, sheetImages);
  const onProblem = (kind: ProblemKind): void => tally.problems.add(kind);
  for await (const image of folderImages({ ...options, labels, onProblem })) {
    try {
      const decoded = image.decode();
      const { square, fingerprint } = prepareImage(decoded, { imageSizePx, channels: 1 });
      // An unlabelled copy must not hide the labelled image, which training would take.
      if (tally.isNew(`${fingerprint} ${image.className ?? ''}`)) {
        tally.add(image, `${decoded.widthPx} x ${decoded.heightPx}`);
        const series = JSON.stringify([image.patient, image.series]);
        sheet.offer({ ...square, patient: image.patient, series, slice: image.slice, classIndex: 0 });
      }
    } catch (error) {
      onProblem(problemOf(error));
    }
  }
  tally.problems.add(
    'label-without-image',
    labels.countUnseen((patient, slice) => tally.hasImage(patient, slice)),
  );
  return { ...tally.report(), contactSheetPng: sheet.toPng() };
}

/** Counts images as they come. */
class FolderTally {
  readonly problems = new ProblemCount();
  readonly #fingerprints = new Set<string>();
  readonly #images = new Set<string>();
  readonly #patients = new Map<string, number>();
  readonly #formats: Partial<Record<ImageFile['format'], number>> = {};
  readonly #modalities: Record<string, number> = {};
  readonly #classes: Record<string, number> = {};
  readonly #sizes: Record<string, number> = {};

  isNew(fingerprint: string): boolean {
    const isNew = !this.#fingerprints.has(fingerprint);
    if (!isNew) this.problems.add('duplicate');
    this.#fingerprints.add(fingerprint);
    return isNew;
  }

  add(
    image: { patient: string; slice: string; className?: string; format: ImageFile['format']; modality: string },
    size: string,
  ): void {
    this.#images.add(JSON.stringify([image.patient, sliceKey(image.slice)]));
    this.#patients.set(image.patient, (this.#patients.get(image.patient) ?? 0) + 1);
    this.#formats[image.format] = (this.#formats[image.format] ?? 0) + 1;
    if (image.modality !== '') count(this.#modalities, knownModality(image.modality));
    if (image.className === undefined) this.problems.add('unlabelled');
    else count(this.#classes, image.className);
    count(this.#sizes, size);
  }

  hasImage(patient: string, slice: string): boolean {
    return this.#images.has(JSON.stringify([patient, sliceKey(slice)]));
  }

  report(): Omit<FolderReport, 'contactSheetPng'> {
    const perPatient = [...this.#patients.values()];
    return {
      images: perPatient.reduce((sum, images) => sum + images, 0),
      patients: perPatient.length,
      imagesPerPatient: {
        least: perPatient.reduce((least, images) => Math.min(least, images), perPatient[0] ?? 0),
        most: perPatient.reduce((most, images) => Math.max(most, images), 0),
      },
      formats: this.#formats,
      modalities: this.#modalities,
      classes: this.#classes,
      sizes: this.#sizes,
      problems: this.problems.list(),
    };
  }
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

const MOST_OF_ONE_PATIENT = 8;

/** Keeps a few images of each patient, so that the sheet shows many patients instead of the first one's slices. */
class ContactSheet {
  readonly #perPatient = new Map<string, TrainingSample[]>();

  constructor(
    private readonly imageSizePx: number,
    private readonly mostImages: number,
  ) {}

  offer(sample: TrainingSample): void {
    const kept = this.#perPatient.get(sample.patient) ?? [];
    if (this.#perPatient.size >= this.mostImages && kept.length === 0) return;
    if (kept.length < MOST_OF_ONE_PATIENT) this.#perPatient.set(sample.patient, [...kept, sample]);
  }

  toPng(): Uint8Array {
    const chosen = takeInTurn([...this.#perPatient.values()], this.mostImages);
    if (chosen.length === 0) return new Uint8Array(0);
    const { imageSizePx } = this;
    const recipe = { method: 'percentile', low: 0, high: 99.5 } as const;
    const shape = { imageSizePx, channels: 1, intensity: recipe, classes: [''] } as const;
    const { images } = assembleDataset(chosen, shape, []);
    return encodePng(imageGrid({ images, sizePx: imageSizePx, channels: 1, columns: 8 }));
  }
}

/** The first of each list, then the second of each, until there are enough. */
function takeInTurn<T>(lists: readonly (readonly T[])[], most: number): T[] {
  const longest = lists.reduce((length, list) => Math.max(length, list.length), 0);
  const turns = Array.from({ length: longest }, (_, turn) => lists.flatMap((list) => list.slice(turn, turn + 1)));
  return turns.flat().slice(0, most);
}
