import { TributaryError } from '@tributary/protocol/errors';
import { folderImages, problemOf, type FolderImage } from '../folder/folder-images.js';
import { ProblemCount, type ProblemKind } from '../folder/image-problem.js';
import { checkClasses, Labels, readLabelRows, sliceKey } from '../folder/labels.js';
import { isFolder } from '../folder/list-files.js';
import type { IntensityRecipe } from '../intensity/intensity-window.js';
import { assembleDataset } from './assemble-dataset.js';
import { collectVolumes, type ImageSources } from './collect-volumes.js';
import type { SiteDataset } from './site-dataset.js';
import { prepareImage, type TrainingSample } from './training-sample.js';

export interface ReadImageFolderOptions {
  readonly directory: string;
  readonly imageSizePx: number;
  /** Slices of a volume: every series becomes one. Left out: every slice is an image. */
  readonly depthPx?: number;
  readonly channels: 1 | 3;
  readonly intensity: IntensityRecipe;
  /** Class names in the order of their indices. */
  readonly classes: readonly string[];
  /** What to do when a file is broken or no image: leave it out and count it, or stop. */
  readonly onBadFile: 'skip' | 'refuse';
  readonly signal?: AbortSignal;
  /** Called after each file. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Larger files are not opened; 1 GiB unless told. */
  readonly maxFileBytes?: number;
}

/** Kinds that are no fault of a file. */
const HARMLESS: ReadonlySet<ProblemKind> = new Set(['blank', 'duplicate', 'unlabelled', 'label-without-image']);

/**
 * Reads a site's images: DICOM, NIfTI and PNG below `directory`, with the classes of its `labels.csv`. With one class in
 * the study the labels may be missing. The order of the result depends on patients and slices, not on the file system.
 *
 * @throws TributaryError `DATA_EMPTY`, `DATA_BAD_FILES` (counts by kind, only with `refuse`), `DATA_LABELS_INVALID`,
 *   `DATA_UNKNOWN_CLASS`. No message names a patient, file or value.
 */
export async function readImageFolder(options: ReadImageFolderOptions): Promise<SiteDataset> {
  const { directory, classes } = options;
  if (!(await isFolder(directory))) throw new TributaryError('DATA_EMPTY', { detail: 'the folder is not there' });
  const rows = await readLabelRows(directory);
  if (rows === undefined && classes.length !== 1) {
    throw new TributaryError('DATA_LABELS_INVALID', {
      detail: `it is missing, and the study has ${classes.length} classes`,
    });
  }
  checkClasses(rows ?? [], classes);
  const problems = new ProblemCount();
  const labels = new Labels(rows ?? []);
  const samples = await collectSamples(options, labels, problems);
  if (options.onBadFile === 'refuse') refuseBadFiles(problems);
  if (samples.length === 0)
    throw new TributaryError('DATA_EMPTY', { detail: describe(problems), problems: problems.list() });
  return assembleDataset(samples, options, problems.list());
}

/** Reads every labelled image once. */
async function collectSamples(
  options: ReadImageFolderOptions,
  labels: Labels,
  problems: ProblemCount,
): Promise<TrainingSample[]> {
  const seen = new Set<string>();
  const onSlice = ({ patient, slice }: FolderImage): unknown => seen.add(imageKey(patient, slice));
  const { depthPx } = options;
  const sources = { labels, problems, onSlice };
  const samples =
    depthPx === undefined
      ? await collectImages(options, sources)
      : await collectVolumes({ ...options, depthPx }, sources);
  problems.add(
    'label-without-image',
    labels.countUnseen((patient, slice) => seen.has(imageKey(patient, slice))),
  );
  return samples;
}

async function collectImages(
  options: ReadImageFolderOptions,
  { labels, problems, onSlice }: ImageSources,
): Promise<TrainingSample[]> {
  const samples: TrainingSample[] = [];
  const fingerprints = new Set<string>();
  const onProblem = (kind: ProblemKind): void => problems.add(kind);
  const [onlyClass] = options.classes.length === 1 ? options.classes : [];
  for await (const image of folderImages({ ...options, labels, onProblem })) {
    const className = image.className ?? onlyClass;
    onSlice(image);
    if (className === undefined) problems.add('unlabelled');
    else {
      const sample = readSample(image, options.classes.indexOf(className), { ...options, fingerprints, onProblem });
      if (sample !== undefined) samples.push(sample);
    }
  }
  return samples;
}

const imageKey = (patient: string, slice: string): string => JSON.stringify([patient, sliceKey(slice)]);

function readSample(
  image: FolderImage,
  classIndex: number,
  options: ReadImageFolderOptions & { fingerprints: Set<string>; onProblem: (kind: ProblemKind) => void },
): TrainingSample | undefined {
  try {
    const { square, fingerprint } = prepareImage(image.decode(), options);
    // The same pixels under two patients would stand on both sides of the split.
    if (options.fingerprints.has(fingerprint)) {
      options.onProblem('duplicate');
      return undefined;
    }
    options.fingerprints.add(fingerprint);
    const series = JSON.stringify([image.patient, image.series]);
    return { ...square, patient: image.patient, series, slice: image.slice, classIndex };
  } catch (error) {
    options.onProblem(problemOf(error));
    return undefined;
  }
}

function refuseBadFiles(problems: ProblemCount): void {
  const bad = problems.list().filter(({ kind }) => !HARMLESS.has(kind));
  if (bad.length === 0) return;
  const detail = bad.map(({ kind, count }) => `${count} ${kind}`).join(', ');
  throw new TributaryError('DATA_BAD_FILES', { detail, problems: bad });
}

function describe(problems: ProblemCount): string {
  const counts = problems.list().map(({ kind, count }) => `${count} ${kind}`);
  return counts.length === 0 ? 'it is empty' : counts.join(', ');
}
