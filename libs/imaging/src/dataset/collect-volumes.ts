import { createHash } from 'node:crypto';
import { folderImages, problemOf, type FolderImage } from '../folder/folder-images.js';
import { ImageProblem, type ProblemCount, type ProblemKind } from '../folder/image-problem.js';
import { sliceKey, type Labels } from '../folder/labels.js';
import type { SquareImage } from '../geometry/fit-square.js';
import { resampleAxis } from '../geometry/resample-axis.js';
import type { ReadImageFolderOptions } from './read-image-folder.js';
import { prepareSlice, type TrainingSample } from './training-sample.js';

/** The slices of one series at training size. */
interface Stack {
  readonly patient: string;
  readonly series: string;
  readonly classNames: Set<string>;
  readonly slices: { readonly name: string; readonly square: SquareImage }[];
}

export interface ImageSources {
  readonly labels: Labels;
  readonly problems: ProblemCount;
  /** Called for each slice. */
  readonly onSlice: (image: FolderImage) => unknown;
}

/**
 * Every series of the folder as one volume, its slices in the order of their numbers and resampled to `depthPx`. All slices of a
 * volume have one class; slices of one value (air) are part of it.
 */
export async function collectVolumes(
  options: ReadImageFolderOptions & { readonly depthPx: number },
  { labels, problems, onSlice }: ImageSources,
): Promise<TrainingSample[]> {
  const stacks = new Map<string, Stack>();
  const onProblem = (kind: ProblemKind): void => problems.add(kind);
  for await (const image of folderImages({ ...options, labels, onProblem })) {
    onSlice(image);
    try {
      addSlice(stacks, image, options);
    } catch (error) {
      onProblem(problemOf(error));
    }
  }
  const fingerprints = new Set<string>();
  return [...stacks.values()].flatMap((stack) => {
    try {
      return [volumeOf(stack, options, fingerprints)];
    } catch (error) {
      onProblem(problemOf(error));
      return [];
    }
  });
}

function addSlice(stacks: Map<string, Stack>, image: FolderImage, options: ReadImageFolderOptions): void {
  const { patient, slice, className } = image;
  const series = JSON.stringify([patient, image.series]);
  const stack = stacks.get(series) ?? { patient, series, classNames: new Set(), slices: [] };
  stacks.set(series, stack);
  if (className !== undefined) stack.classNames.add(className);
  stack.slices.push({ name: slice, square: prepareSlice(image.decode(), options) });
}

interface VolumeShape {
  readonly classes: readonly string[];
  readonly depthPx: number;
}

function volumeOf(stack: Stack, { classes, depthPx }: VolumeShape, fingerprints: Set<string>): TrainingSample {
  const [className = classes.length === 1 ? classes[0] : undefined, ...others] = stack.classNames;
  if (className === undefined) throw new ImageProblem('unlabelled');
  if (others.length > 0) throw new ImageProblem('mixed-classes');
  const slices = stack.slices.toSorted((a, b) => numberOf(a.name) - numberOf(b.name));
  const [first, second] = slices;
  if (first === undefined || second === undefined) throw new ImageProblem('single-slice');
  const { inside } = first.square;
  const values = first.square.pixels.length;
  const stacked = new Float32Array(slices.length * values);
  slices.forEach(({ square }, index) => {
    if (JSON.stringify(square.inside) !== JSON.stringify(inside)) throw new ImageProblem('corrupt');
    stacked.set(square.pixels, index * values);
  });
  const pixels = resampleAxis(stacked, [1, slices.length, values], depthPx);
  if (pixels.every((value) => value === pixels[0])) throw new ImageProblem('blank');
  const fingerprint = createHash('sha256').update(new Uint8Array(pixels.buffer)).digest('base64');
  if (fingerprints.has(fingerprint)) throw new ImageProblem('duplicate');
  fingerprints.add(fingerprint);
  const { patient, series } = stack;
  return { pixels, inside, patient, series, slice: first.name, classIndex: classes.indexOf(className) };
}

const numberOf = (slice: string): number => Number(sliceKey(slice));
