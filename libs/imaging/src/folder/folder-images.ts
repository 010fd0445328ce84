import { readFile } from 'node:fs/promises';
import type { DecodedImage, ImageFile } from './image-file.js';
import { readImageFile } from './image-format.js';
import { ImageProblem, type ProblemKind } from './image-problem.js';
import type { Labels } from './labels.js';
import { accessProblem, listFiles, type ListedFile } from './list-files.js';
import { fileStem, patientKey } from './patient-key.js';
import { systemErrorCode } from './system-error.js';

/** An image that was found in a folder. `patient` and `series` are keys for grouping and never leave the process. */
export interface FolderImage {
  readonly patient: string;
  readonly series: string;
  readonly slice: string;
  /** What `labels.csv` says, if anything. */
  readonly className: string | undefined;
  readonly format: ImageFile['format'];
  readonly modality: string;
  /** @throws ImageProblem when it cannot be read. */
  decode(): DecodedImage;
}

export interface FolderImagesOptions {
  readonly directory: string;
  readonly labels: Labels;
  readonly onProblem: (kind: ProblemKind) => void;
  /** Called after each file. */
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  readonly signal?: AbortSignal;
  readonly maxFileBytes?: number;
}

const DEFAULT_MAX_FILE_BYTES = 1024 ** 3;

/** All images of a folder, file by file in the order of their names; what cannot be read is told to `onProblem`. */
export async function* folderImages(options: FolderImagesOptions): AsyncGenerator<FolderImage> {
  const files = await listFiles(options.directory, options.onProblem);
  for (const [index, file] of files.entries()) {
    options.signal?.throwIfAborted();
    const found = await openFile(file, options);
    if (found !== undefined) yield* imagesOf(file, found, options);
    options.onProgress?.({ done: index + 1, total: files.length });
  }
}

async function openFile(file: ListedFile, options: FolderImagesOptions): Promise<ImageFile | undefined> {
  if (file.sizeBytes > (options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES)) {
    options.onProblem('too-large');
    return undefined;
  }
  try {
    return await readImageFile(await readFile(file.path), fileStem(file.names));
  } catch (error) {
    options.onProblem(problemOf(error));
    return undefined;
  }
}

/** A decoder that meets what nobody thought of is no reason to stop: the file counts as corrupt. */
export function problemOf(error: unknown): ProblemKind {
  if (error instanceof ImageProblem) return error.kind;
  return systemErrorCode(error)?.startsWith('E') === true ? accessProblem(error) : 'corrupt';
}

function* imagesOf(file: ListedFile, found: ImageFile, options: FolderImagesOptions): Generator<FolderImage> {
  const patient = patientKey(found, file.names, (name) => options.labels.hasPatient(name));
  if (patient === undefined) {
    options.onProblem('no-patient');
    return;
  }
  for (const frame of found.frames) {
    yield {
      patient,
      series: found.series === '' ? file.path : found.series,
      slice: frame.slice,
      className: options.labels.classOf(patient, frame.slice),
      format: found.format,
      modality: found.modality,
      decode: () => frame.decode(),
    };
  }
}
